"""A run whose ladder ends where the slim network is small or fast enough, folder in and folder out."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ticketing.runs.folders import ran, report_of, timed_and_written_again, verified
from tests.ticketing.runs.test_channels import ASKED, FILES, laid_out
from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing
from ticketing.folder import OUT, read_spec
from ticketing.observer import RecordingObserver, Stopped
from ticketing.report.words import number
from ticketing.runs.run import run

LayOut = Callable[..., Path]
MOST = 1_200_000
SIZED: dict[str, Any] = {
    "levels": None,
    "target": {"max_macs": MOST},
    "rate": 0.2,
    "evidence": "none",
    "outputs": ["slim", "ticket", "model", "mask"],
}


@pytest.fixture(scope="module")
def _sized(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut, few_large_digits: Any) -> Path:
    folder = laid_out(lay_out, tmp_path_factory.mktemp("sized") / "run", few_large_digits, **SIZED)
    phases = [event["phase"] for event in ran(folder).of_type("phase")]
    assert phases[:3] == ["fetch_data", "measure_widths", "train_dense"]
    return folder


@pytest.fixture
def sized(tmp_path: Path, _sized: Path) -> Path:
    return Path(shutil.copytree(_sized, tmp_path / "sized", symlinks=True))


def test_the_last_level_is_as_wide_as_the_target_allows(sized: Path) -> None:
    verified(sized)
    report = report_of(sized)
    told, rows = report["search"]["target"], report["levels"]
    assert told["max_macs"] == MOST
    assert (told["came"], told["met"]) == (rows[-1]["multiply_adds"], True)
    assert [of["kept"][-1] for of in report["channels"]["sets"]] == told["kept"]
    above = [one["multiply_adds"] for one in told["tried"] if not one["within"]]
    assert rows[-1]["multiply_adds"] <= MOST < min(above)
    assert all(row["multiply_adds"] > MOST for row in rows[:-1])
    page, card = ((sized / OUT / name).read_text() for name in ("report.html", "report.md"))
    for text in (page, card):
        assert f"Asked for at most {number(MOST)} multiply-adds" in text
        assert "the target is met" in text


def test_a_report_that_says_otherwise_of_its_target_is_found(sized: Path) -> None:
    report = report_of(sized)
    report["search"]["target"]["met"] = False
    (sized / OUT / "report.json").write_text(json.dumps(report))
    write_listing(sized / OUT)
    with pytest.raises(VerificationError, match="target of multiply-adds"):
        verified(sized)


def test_stopped_on_the_way_it_ends_with_the_same_files_and_looks_for_widths_once(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any, sized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = laid_out(lay_out, tmp_path / "stopped", few_large_digits, **SIZED)
    with pytest.raises(Stopped):
        run(folder, read_spec(folder), observer=RecordingObserver(stop_after=5), clock=time.monotonic)
    monkeypatch.setattr("ticketing.runs.widths.widths", lambda *_, **__: pytest.fail("it looked again"))
    ran(folder)
    for name in FILES:
        if name in check_listing(sized / OUT):
            assert (folder / OUT / name).read_bytes() == (sized / OUT / name).read_bytes()


def test_a_budget_that_ends_the_search_before_misses_the_target_and_says_so(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any
) -> None:
    budget = {"budget": {"samples": 500}}  # dense and one level
    folder = laid_out(lay_out, tmp_path / "run", few_large_digits, **(SIZED | budget))
    ran(folder)
    verified(folder)
    report = report_of(folder)
    assert report["search"]["delivered_level"] == 1
    assert report["search"]["target"]["met"] is False
    assert "the target is missed" in (folder / OUT / "report.md").read_text()


def test_a_target_of_time_is_held_against_what_was_measured_at_the_end(tmp_path: Path, lay_out: LayOut) -> None:
    target = {"speedup": 1.2, "runtime": "torch", "batch_size": 32}
    asked = ASKED | SIZED | {"target": target, "outputs": ["slim"], "rate": 0.9}
    folder = lay_out(tmp_path / "run", architecture="conv-2", arguments={}, **asked)
    ran(folder)
    verified(folder)
    told = timed_and_written_again(folder)
    (end,) = (one for one in told["tried"] if list(one["kept"]) == told["kept"])
    assert end["within"]


def test_asked_to_stop_while_networks_are_measured_it_stops(tmp_path: Path, lay_out: LayOut) -> None:
    target = {"speedup": 1.2, "runtime": "torch", "batch_size": 32}
    folder = lay_out(tmp_path / "run", architecture="conv-2", arguments={}, **(ASKED | SIZED | {"target": target}))
    with pytest.raises(Stopped, match="before the first training"):
        run(folder, read_spec(folder), observer=RecordingObserver(stop_after=0), clock=time.monotonic)
