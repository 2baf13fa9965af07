"""ticketing.controls.length: dense makes the updates, or the multiply-adds, of the ticket that was really found."""

from typing import Any

import pytest
import torch

from ticketing.actions import Actions
from ticketing.channels.slimming import slim_inventory, weight_mask
from ticketing.controls.length import updates_of_dense
from ticketing.folder import StartSpec
from ticketing.journal.findings import Findings
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.plans.costs import training_flops
from ticketing.plans.dense_length import updates_of_short
from ticketing.recipe import Evidence
from ticketing.searches.iterative import search
from ticketing.step import Step
from ticketing.training.rewinding import restart_of


def searched(bench: Workbench) -> tuple[Workbench, Findings]:
    for replicate in range(bench.recipe.evidence.replicates):
        search(bench, replicate)
    restart, actions = restart_of(bench.recipe, per_epoch=bench.per_epoch), Actions.of(bench.recipe)
    seed = bench.recipe.seed
    return bench, Findings(bench.journal, bench.subject, restart=restart, seed=seed, actions=actions)


def updates(bench: Workbench, found: Findings, control: str, level: int, replicate: int = 0) -> int:
    return updates_of_dense(bench, found, Where(replicate, "certificate", control, level), search=replicate)


def of(control: str) -> dict[str, Any]:
    return {"replicates": 2, "controls": [control]}


@pytest.mark.parametrize(("rewind", "first"), [("0it", 0), ("5it", 5)])
@pytest.mark.parametrize("scope", ["layerwise", "global"])
def test_a_short_one_costs_what_its_ticket_would_in_sparse_kernels(
    make_bench: Any, rewind: str, first: int, scope: str
) -> None:
    bench, found = searched(make_bench(evidence=of("dense_short"), rewind=rewind, scope=scope, rate=0.4))
    for replicate in (0, 1):
        kept = found.mask(replicate, 2).counts()
        came = updates(bench, found, "dense_short", 2, replicate)
        network = bench.subject.inventory
        dense = training_flops(network, None, updates=came - first, batch_size=10).executed
        ticket = training_flops(network, kept, updates=20 - first, batch_size=10).nonzero
        assert dense <= ticket < dense + training_flops(network, None, updates=1, batch_size=10).executed


def test_what_is_held_is_multiplied_too(make_bench: Any) -> None:
    bench, found = searched(make_bench(evidence=of("dense_short"), pruned="freeze", rate=0.4))
    assert updates(bench, found, "dense_short", 2) == 20


@pytest.mark.parametrize("rewind", ["lr", "none"])
def test_a_long_one_makes_the_updates_of_every_level_before(make_bench: Any, rewind: str) -> None:
    bench, found = searched(make_bench(evidence=of("dense_long"), rewind=rewind))
    assert [updates(bench, found, "dense_long", level) for level in (1, 2)] == [40, 60]


def test_levels_that_ended_early_count_as_they_ended(make_bench: Any, make_training: Any) -> None:
    stalling = make_training(length="60it", evaluate_every="1it", optimizer={"name": "adam", "learning_rate": 0.5})
    words = {"rewind": "lr", "level_length": "early_stop", "early_stop_patience": 2, "training": stalling}
    bench, found = searched(make_bench(evidence=of("dense_long"), **words))
    for replicate in (0, 1):
        made = [bench.result(Where.of_search(replicate, level)).updates for level in (0, 1)]
        assert sum(made) < 2 * 60
        assert updates(bench, found, "dense_long", 2, replicate) == sum(made) + 60


def test_what_a_parent_rewound_goes_back_to_its_rewind_point_and_no_further(make_bench: Any) -> None:
    bench, found = searched(make_bench(evidence=of("dense_long"), rewind="lr"))
    parent = bench.recipe.model_copy(update={"rewind": Step("5it"), "evidence": Evidence()})
    bench.start = StartSpec(job="job_a", level=2, sha256="0" * 64, recipe=parent, searches=1, start=None)
    # Level 1 of the first search is its parent's: 20 updates from update 5 on. The second search is walked anew.
    assert [updates(bench, found, "dense_long", 2, replicate) for replicate in (0, 1)] == [5 + 20 + 20, 60]


def test_a_short_one_costs_what_a_slim_ticket_does_products_of_its_heads_too(
    make_bench: Any, make_subject: Any, make_dataset: Any, make_training: Any
) -> None:
    small = {"patch": 2, "width": 12, "depth": 1, "in_channels": 1, "input_size": [8, 8], "classes": 3}
    words = {"structure": "channel", "criterion": "l1", "training": make_training(length="1000it")}
    bench = make_bench(subject=make_subject("vit-tiny", **small), data=make_dataset((1, 8, 8)), **words)
    (heads,) = bench.channels.heads.values()
    kept = torch.ones(bench.channels.count, dtype=torch.bool)
    kept[heads[1:]] = False
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=0)
    found.keep_mask(0, 1, weight_mask(bench.channels, kept, bench.subject.shapes))
    slim = slim_inventory(bench.subject.inventory, bench.channels, kept).multiply_adds
    came = updates(bench, found, "dense_short", 1)
    assert came == 1000 * slim // bench.subject.inventory.multiply_adds
    assert came < updates_of_short(bench.subject.inventory, found.mask(0, 1).counts(), steps=1000, first=0)
