"""An early-bird run whose slim network is to be small or fast enough, folder in and folder out."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ticketing.runs.folders import ran, report_of, timed_and_written_again, verified
from tests.ticketing.runs.test_early_bird import ASKED
from ticketing.folder import OUT, read_spec
from ticketing.ladder.early_bird import distance_by_chance
from ticketing.observer import RecordingObserver, Stopped
from ticketing.report.words import number
from ticketing.runs.run import run

LayOut = Callable[..., Path]
MOST = 1_000_000
ONE = {"replicates": 1, "replicates_of": "retrain", "controls": []}


def laid_out(lay_out: LayOut, folder: Path, few: Any, *, width: int = 1, **words: Any) -> Path:
    asked = ASKED | {"channel_sparsities": None, "evidence": "none"} | words
    arguments = {"depth": 10, "width": width}
    return lay_out(folder, architecture="wide-resnet", arguments=arguments, dataset=few, **asked)


def test_what_is_handed_out_is_as_wide_as_the_target_allows(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any
) -> None:
    folder = laid_out(lay_out, tmp_path / "run", few_large_digits, target={"max_macs": MOST}, evidence=ONE)
    phases = [event["phase"] for event in ran(folder).of_type("phase")]
    assert phases[:3] == ["fetch_data", "measure_widths", "train_dense"]
    verified(folder)
    report = report_of(folder)
    told, row, (settling,) = report["search"]["target"], report["levels"][1], report["settling"]
    assert (told["max_macs"], told["came"], told["met"]) == (MOST, row["multiply_adds"], True)
    share = row["channels"]["sparsity"]
    assert share == told["share"] == pytest.approx(1 - row["channels"]["kept"] / row["channels"]["total"])
    assert settling["channel_sparsity"] == share
    assert settling["distance_by_chance"] == distance_by_chance(share)
    above = [one["multiply_adds"] for one in told["tried"] if not one["within"]]
    assert row["multiply_adds"] <= MOST < min(above)
    page, card = ((folder / OUT / name).read_text() for name in ("report.html", "report.md"))
    for text in (page, card):
        assert f"Asked for at most {number(MOST)} multiply-adds" in text
        assert "widths were counted at the epoch that counts" in text
        assert "the target is met" in text


def test_a_target_of_time_is_held_against_what_was_measured_at_the_end(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any
) -> None:
    target = {"speedup": 1.2, "runtime": "torch", "batch_size": 32}
    words = {"target": target, "gain": "always", "outputs": ["slim"], "round_to": 8}
    folder = laid_out(lay_out, tmp_path / "run", few_large_digits, width=2, **words)
    ran(folder)
    verified(folder)
    told = timed_and_written_again(folder)
    assert any(one["within"] and one["interval"][0] >= 1.2 for one in told["tried"])
    tensors = json.loads((folder / OUT / "slim.json").read_bytes())["tensors"].values()
    assert {len(kept) % 8 for tensor in tensors for kept in tensor["kept"].values()} == {0}


def test_asked_to_stop_while_networks_are_timed_it_stops(
    tmp_path: Path, lay_out: LayOut, few_large_digits: Any
) -> None:
    target = {"speedup": 1.2, "runtime": "torch", "batch_size": 32}
    folder = laid_out(lay_out, tmp_path / "run", few_large_digits, target=target)
    with pytest.raises(Stopped, match="networks were timed"):
        run(folder, read_spec(folder), observer=RecordingObserver(stop_after=0), clock=time.monotonic)
