"""ticketing.report.figure: places on the drawing are where the numbers say."""

import re
from typing import Any

from ticketing.report.figure import accuracy_figure, density_figure


def test_every_measured_point_is_drawn_with_its_n_and_its_spread(report: dict[str, Any]) -> None:
    drawn = accuracy_figure(report["levels"], delivered=3)
    notes = re.findall(r"<title>(.*?)</title>", drawn)
    assert "ticket, sparsity 48.80%: 95.43% (n = 3, 95.10% to 95.80%)" in notes
    assert len(notes) == 6
    assert "dense 95.0%" in drawn


def test_the_level_handed_out_is_ringed(report: dict[str, Any]) -> None:
    assert accuracy_figure(report["levels"], delivered=3).count("chosen") == 1
    assert accuracy_figure(report["levels"], delivered=None).count("chosen") == 0


def test_higher_accuracy_is_drawn_higher(report: dict[str, Any]) -> None:
    drawn = accuracy_figure(report["levels"], delivered=None)
    ticket, reinit = (
        [float(point.split(",")[1]) for point in re.search(rf's-{word}" points="(.*?)"', drawn)[1].split()]  # type: ignore[index]
        for word in ("ticket", "reinit")
    )
    assert all(t < r for t, r in zip(ticket, reinit, strict=True))


def test_of_many_layers_four_are_named_and_all_are_drawn(report: dict[str, Any]) -> None:
    for row in report["levels"]:
        row["layers"] = [{"name": f"l{i}", "kept": 100 - 9 * i * (row["level"] > 0), "total": 100} for i in range(9)]
    drawn = density_figure(report["levels"])
    assert drawn.count("<polyline") == 9
    assert [name for name in (f"l{i}" for i in range(9)) if f">{name}<" in drawn] == ["l0", "l1", "l7", "l8"]


def test_the_regimes_are_named_and_the_critical_one_is_shaded(report: dict[str, Any]) -> None:
    drawn = accuracy_figure(report["levels"], delivered=3)
    assert [drawn.count(f">{word}<") for word in ("interpolating", "critical", "classical")] == [1, 1, 0]
    left, width = (float(re.search(rf'critical" .*?{name}="(.*?)"', drawn)[1]) for name in ("x", "width"))  # type: ignore[index]
    ticks = [float(x) for x in re.findall(r'axis" x1="(.*?)" x2="\1"', drawn)]
    assert ticks[1] < left < ticks[2] < ticks[3] <= left + width + 0.1


def test_levels_whose_regime_is_not_known_yet_are_drawn_without(report: dict[str, Any]) -> None:
    for row in report["levels"]:
        del row["regime"]
    assert "critical" not in accuracy_figure(report["levels"], delivered=None)
