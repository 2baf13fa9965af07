"""ticketing.analysis.probing: dense and delivered level are probed as they start, once, and nothing else changes."""

import json
import time
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketing.analysis.kernel import empirical_ntk, spectrum
from ticketing.analysis.probing import probe, probed
from ticketing.folder import OUT, read_spec
from ticketing.journal.findings import Findings
from ticketing.journal.where import Where
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run
from ticketing.searches.iterative import search
from ticketing.training.rewinding import restart_of


def searched(make_bench: Any, **words: Any) -> Any:
    bench = make_bench(evidence="none", probes=["ntk"], **words)
    search(bench, 0)
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed)
    probe(bench, found, restart=restart, delivered=2)
    return bench


def test_dense_and_delivered_are_probed_as_they_start(make_bench: Any) -> None:
    bench = searched(make_bench)
    rows = probed(bench)
    assert rows is not None
    assert [(row["level"], row["samples"], row["rows"]) for row in rows] == [(0, 90, 270), (2, 90, 270)]
    x, y = bench.data.x_train, bench.data.y_train  # all 90: drawn by class they come sorted by row
    expected = spectrum(
        empirical_ntk(bench.subject.module, bench.subject.initial_state, Mask.full(bench.subject.shapes), x), y
    )
    assert rows[0]["rank"] == expected.rank
    assert rows[0]["effective_rank"] == pytest.approx(expected.effective_rank)
    assert rows[2 - 1]["rank"] < rows[0]["rank"]


def test_the_slope_is_that_of_the_training_that_was_made(make_bench: Any) -> None:
    bench = searched(make_bench)
    (dense, _) = probed(bench) or ()
    # 20 updates are all there are, so the loss after them is the one of the level itself.
    after = bench.result(Where.of_search(0, 0)).train_loss
    network = bench.subject.module
    with torch.no_grad():
        logits = torch.func.functional_call(network, bench.subject.initial_state, (bench.data.x_train,))
    before = torch.nn.functional.cross_entropy(logits, bench.data.y_train).item()
    assert dense["early_slope"] == pytest.approx((log(before) - log(after)) / 20, rel=1e-4)


def test_what_is_in_the_journal_is_not_computed_again(make_bench: Any) -> None:
    bench = searched(make_bench)
    told = probed(bench)
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=0)
    probe(bench, found, restart=restart, delivered=2)
    assert probed(bench) == told


def test_the_probe_changes_no_weight_and_its_figures_are_in_the_report(make_folder: Any) -> None:
    reports: list[dict[str, Any]] = []
    weights: list[bytes] = []
    for probes in ([], ["ntk"]):
        folder: Path = make_folder(f"probes{len(probes)}", probes=probes, evidence="none")
        run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
        reports.append(json.loads((folder / OUT / "report.json").read_bytes()))
        weights.append((folder / OUT / "sparse.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert reports[0]["ntk"] is None
    assert [row["level"] for row in reports[1]["ntk"]] == [0, 2]
    assert "Tangent kernel" in (folder / OUT / "report.html").read_text()
