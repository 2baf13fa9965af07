"""ticketing.analysis.probing: dense and delivered level are probed as they start, once, and nothing else changes."""

import json
import time
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketing.actions import Actions
from ticketing.analysis.kernel import empirical_ntk, spectrum
from ticketing.analysis.probing import probe, probed
from ticketing.folder import OUT, StartSpec, read_spec
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
    probe(bench, findings(bench), restart=restart_of(bench.recipe, per_epoch=bench.per_epoch), delivered=2)
    return bench


def findings(bench: Any) -> Findings:
    restart, actions = restart_of(bench.recipe, per_epoch=bench.per_epoch), Actions.of(bench.recipe)
    return Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed, actions=actions)


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


@pytest.mark.parametrize(
    ("words", "updates"),
    [
        ({}, (20, 20)),
        ({"rewind": "5it"}, (20, 15)),
        ({"rewind": "none"}, (20, 20)),
        ({"kept": "constant"}, (20, 20)),
        ({"pruned": "freeze"}, (20, 20)),
        ({"level_length": "10it"}, (10, 10)),
    ],
    ids=str,
)
def test_kernel_and_slope_are_those_of_the_trainings_that_were_made(
    make_bench: Any, make_training: Any, words: dict[str, Any], updates: tuple[int, int]
) -> None:
    training = make_training(schedule={"name": "milestones", "at": ["8it"]})
    bench = searched(make_bench, training=training, rate={"default": 0.5}, **words)
    found, network, x = findings(bench), bench.subject.module, bench.data.x_train
    for row, level, made in zip(probed(bench) or (), (0, 2), updates, strict=True):
        mask, start = found.mask(0, level), found.start(0, level)
        start = start if bench.recipe.holds else mask.applied_to(start)
        expected = spectrum(empirical_ntk(network, start, mask, x), bench.data.y_train)
        assert {name: row[name] for name in vars(expected)} == pytest.approx(vars(expected))
        # As many updates as there are, so the loss after them is the one of the level itself.
        after = bench.result(Where.of_search(0, level)).train_loss
        with torch.no_grad():
            logits = torch.func.functional_call(network, start, (x,))
        before = torch.nn.functional.cross_entropy(logits, bench.data.y_train).item()
        assert row["early_slope"] == pytest.approx((log(before) - log(after)) / made, rel=1e-4)


def test_the_slope_is_of_a_hundred_updates_and_the_kernel_of_as_many_samples_as_there_may_be(
    make_bench: Any, make_training: Any, make_dataset: Any, tmp_path: Path
) -> None:
    training, data = make_training(length="120it", evaluate_every="20it"), make_dataset(train=150)
    whole, ended = (
        searched(make_bench, training=training, data=data, level_length=length, folder=tmp_path / length)
        for length in ("full", "100it")
    )
    rows = [(probed(bench) or [])[0] for bench in (whole, ended)]
    assert rows[0]["early_slope"] == rows[1]["early_slope"]
    assert [row["samples"] for row in rows] == [128, 128]


def test_the_dense_run_that_a_fork_took_over_is_made_again_under_the_recipe_of_its_parent(
    make_bench: Any, make_training: Any
) -> None:
    bench = searched(make_bench)
    own, first = bench.recipe, bench.journal.facts.pop("probe/ntk/00")
    bench.start = StartSpec(job="parent", level=1, sha256=64 * "0", recipe=own)
    other = make_training(batch_size=30, optimizer={"name": "sgd", "learning_rate": 0.3})
    bench.recipe = own.model_copy(update={"training": other})
    probe(bench, findings(bench), restart=restart_of(own, per_epoch=9), delivered=2)
    assert bench.journal.facts["probe/ntk/00"]["early_slope"] == first["early_slope"]


def test_a_model_that_came_trained_has_no_slope_of_its_own(make_bench: Any, make_subject: Any) -> None:
    subject = make_subject()
    subject = replace(subject, spec=subject.spec.model_copy(update={"weights": "trained"}))
    rows = probed(searched(make_bench, subject=subject, rewind="lr")) or []
    assert [row["early_slope"] is None for row in rows] == [True, False]


def test_what_is_in_the_journal_is_not_computed_again(make_bench: Any) -> None:
    bench = searched(make_bench)
    bench.journal.facts["probe/ntk/00"]["rank"] = -1
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    probe(bench, findings(bench), restart=restart, delivered=2)
    assert [row["rank"] < 0 for row in probed(bench) or ()] == [True, False]


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
