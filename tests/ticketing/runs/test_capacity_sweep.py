"""ticketing.runs.capacity_sweep: a sweep from folder to report; stopped anywhere it ends with the same bits."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing
from ticketing.folder import CHECKPOINTS, OUT, read_spec
from ticketing.observer import RecordingObserver, Stopped
from ticketing.runs.capacity_sweep import _summary, chosen_examples
from ticketing.runs.run import run
from ticketing.runs.verification import verify

SMALL = {
    "search": "capacity_sweep",
    "widths": [3, 5, 8],
    "examples": 60,
    "repeats": 2,
    "training": {"length": "12it", "batch_size": 20, "evaluate_every": "5it"},
}


def ran(folder: Path, observer: RecordingObserver | None = None, **clock: Any) -> RecordingObserver:
    observer = observer or RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=clock.get("clock", time.monotonic))
    return observer


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, lay_out: Any) -> tuple[Path, RecordingObserver]:
    folder = lay_out(tmp_path_factory.mktemp("sweep") / "run", **SMALL)
    return folder, ran(folder)


def report_of(folder: Path) -> dict[str, Any]:
    written: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return written


def figures_of(folder: Path) -> list[list[str]]:
    """Give the table without its last column, the seconds."""
    return [line.split(",")[:-1] for line in (folder / OUT / "widths.csv").read_text().splitlines()]


def test_what_comes_out_is_figures_and_no_ticket(swept: tuple[Path, RecordingObserver]) -> None:
    documents = {"report.json", "report.html", "report.md", "widths.csv", "recipe.json", "provenance.json"}
    assert set(check_listing(swept[0] / OUT)) == documents | {"manifest.json", "SHA256SUMS"}
    (told,) = swept[1].of_type("finished")
    assert told["summary"]["best"] is None
    assert swept[1].of_type("ticket_found") == swept[1].of_type("mask_drawn") == []


def test_every_width_of_every_repeat_is_told_and_listed(swept: tuple[Path, RecordingObserver]) -> None:
    told = swept[1].of_type("level_completed")
    assert [(row["replicate"], row["width"]) for row in told] == [(r, w) for r in (0, 1) for w in (3, 5, 8)]
    points = report_of(swept[0])["capacity"]["points"]
    assert [point["parameters"] for point in points] == [75 * width + 10 for width in (3, 5, 8)]
    for row in told:
        assert points[row["level"]]["test_loss"]["values"][row["replicate"]] == row["test_loss"]
    assert [point["reuses_weights"] for point in points] == [False, True, False]  # 75 * 8 + 10 > 60 * 10


def test_what_was_written_reads_back(swept: tuple[Path, RecordingObserver]) -> None:
    assert verify(swept[0], read_spec(swept[0])) == check_listing(swept[0] / OUT)


@pytest.mark.parametrize("file", ["widths.csv", "report.json"])
def test_a_figure_that_was_changed_is_found(make_folder: Any, file: str) -> None:
    folder = make_folder("changed", **SMALL)
    ran(folder)
    path = folder / OUT / file
    value = str(report_of(folder)["capacity"]["points"][1]["test_loss"]["values"][0])
    path.write_text(path.read_text().replace(value, "0.123"))
    for name in ("manifest.json", "SHA256SUMS"):
        (folder / OUT / name).unlink()
    write_listing(folder / OUT)
    with pytest.raises(VerificationError, match="width 5"):
        verify(folder, read_spec(folder))


@pytest.mark.parametrize("updates", [5, 17, 30, 65])
def test_stopped_anywhere_it_goes_on_to_the_same_bits(
    make_folder: Any, swept: tuple[Path, RecordingObserver], updates: int
) -> None:
    folder = make_folder("stopped", **SMALL)
    stopped = RecordingObserver(stop_after=updates)
    with pytest.raises(Stopped):
        ran(folder, stopped)
    again = ran(folder)
    assert again.of_type("started")[0]["resumed_from"] is not None
    assert figures_of(folder) == figures_of(swept[0])
    told = [(row["replicate"], row["level"]) for row in stopped.of_type("level_completed")]
    told += [(row["replicate"], row["level"]) for row in again.of_type("level_completed")]
    assert told == [(repeat, level) for repeat in (0, 1) for level in (0, 1, 2)]  # none is trained again


def test_weights_that_no_width_starts_from_any_more_are_not_kept(swept: tuple[Path, RecordingObserver]) -> None:
    newest = max((swept[0] / CHECKPOINTS).glob("*.safetensors"))
    assert [name for name in load_file(newest) if "latest" in name] == []


def test_the_summary_has_the_peak_of_the_loss() -> None:
    places = {name: {"width": width} for width, name in enumerate(("threshold", "interpolates_from"))}
    report = {"cost": {"flops_executed": 7}, "capacity": places | {"test_loss_peak": 1, "test_error_peak": 2}}
    assert _summary(report) == places | {"flops": 7, "peak": 1, "best": None}


def test_a_width_starts_from_the_one_before_it_only_where_it_is_asked_to(make_folder: Any) -> None:
    folder = make_folder("fresh", **SMALL | {"reuse_weights": False})
    ran(folder)
    assert [point["reuses_weights"] for point in report_of(folder)["capacity"]["points"]] == [False] * 3


def test_the_examples_are_drawn_by_class_and_are_the_same_for_the_same_seed(make_dataset: Any) -> None:
    data = make_dataset()
    first, again, other = (chosen_examples(data, 30, seed=seed) for seed in (0, 0, 1))
    assert torch.bincount(first.y_train).tolist() == [10, 10, 10]
    assert first.x_train.equal(again.x_train)
    assert not first.x_train.equal(other.x_train)
    assert first.x_test.equal(data.x_test)


def test_the_page_and_the_card_say_where_the_peak_is(swept: tuple[Path, RecordingObserver]) -> None:
    out = swept[0] / OUT
    page, card = (out / "report.html").read_text(), (out / "report.md").read_text()
    assert page.count("<svg") == 2
    assert "N = n K" in page
    assert "| 5 | 385 | 0.642 | the width before |" in card
