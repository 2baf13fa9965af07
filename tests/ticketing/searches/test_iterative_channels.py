"""ticketing.searches.iterative of whole channels: widths as planned, narrow trainings, the same bits."""

from itertools import pairwise
from typing import Any

import pytest
import torch

from ticketing.actions import Actions
from ticketing.channels.slimming import grown_state, kept_of, slim_module, slim_state, weight_mask, without
from ticketing.evidence.judgement import Judge
from ticketing.evidence.trainings import CHOICE, gather
from ticketing.journal.findings import Findings
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.observer import RecordingObserver, Stopped
from ticketing.searches.iterative import search
from ticketing.seeds import order_of_level
from ticketing.sparse import same_bits
from ticketing.subject import Subject
from ticketing.training.loop import train
from ticketing.training.rewinding import restart_of

WORDS: dict[str, Any] = {"structure": "channel", "criterion": "l1", "rate": 0.3}
CONTROLS = ("reinit", "shuffle", "reinit_shuffle", "random", "dense_short")
CRITERIA = ("l1", "l2", "taylor", "random")


def findings(bench: Workbench) -> Findings:
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    actions = Actions.of(bench.recipe)
    return Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed, actions=actions)


def searched(make_bench: Any, **words: Any) -> Workbench:
    bench: Workbench = make_bench(**WORDS | words)
    search(bench, 0)
    return bench


@pytest.fixture
def residual(make_subject: Any) -> Subject:
    made: Subject = make_subject("wide-resnet", depth=10, width=1, in_channels=1, input_size=[8, 8], classes=3)
    return made


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_level_is_of_whole_channels_as_many_as_planned_within_the_one_before(
    make_bench: Any, criterion: str
) -> None:
    bench = searched(make_bench, levels=3, criterion=criterion)
    found, channels = findings(bench), bench.channels
    masks = [found.mask(0, level) for level in range(4)]
    kept = [kept_of(channels, mask) for mask in masks]
    planned = bench.plan.channels["levels"]
    assert [int(of.sum()) for of in kept] == [row["kept"] for row in planned] == [28, 19, 14, 10]
    assert masks == [weight_mask(channels, of, bench.subject.shapes) for of in kept]
    assert all(after.within(before) for before, after in pairwise(masks))
    assert [mask.counts() for mask in masks] == [row["groups"] for row in bench.plan.ladder]
    assert [told["channels_kept"] for told in bench.observer.of_type("mask_drawn")] == [19, 14, 10]


def test_criteria_choose_other_channels(make_bench: Any, tmp_path: Any) -> None:
    chosen = {
        word: kept_of(bench.channels, findings(bench).mask(0, 1)).numpy().tobytes()
        for word in CRITERIA
        for bench in [searched(make_bench, levels=1, criterion=word, folder=tmp_path / word)]
    }
    assert len(set(chosen.values())) == len(CRITERIA)


@pytest.mark.parametrize("rewind", ["0it", "5it", "lr"])
def test_a_level_is_the_narrow_network_trained_by_itself(
    make_bench: Any, residual: Subject, make_dataset: Any, rewind: str
) -> None:
    data = make_dataset((1, 8, 8))
    evidence = {"replicates": 0, "levels": "all"}
    bench = searched(make_bench, subject=residual, data=data, rewind=rewind, levels=1, evidence=evidence)
    found, restart = findings(bench), restart_of(bench.recipe, per_epoch=bench.per_epoch)
    kept = kept_of(bench.channels, found.mask(0, 1))
    by_itself = train(
        slim_module(residual.module, bench.channels, kept),
        slim_state(found.start(0, 1), bench.channels, kept),
        data=data,
        training=bench.recipe.training,
        order_seed=order_of_level(0, 0, 1),
        observer=RecordingObserver(),
        first_step=restart.first_step,
    )
    whole = grown_state(by_itself.best, residual.initial_state, bench.channels, kept)
    assert same_bits(found.trained(0, 1), whole)
    assert same_bits(without(whole, bench.channels, kept), whole)
    ran = bench.result(Where.of_search(0, 1)).multiply_adds
    assert ran is not None
    assert ran < residual.inventory.multiply_adds
    assert bench.result(Where.of_search(0, 0)).multiply_adds is None


@pytest.mark.parametrize("updates", [7, 21, 33, 52])
def test_stopped_anywhere_it_ends_with_the_same_bits(make_bench: Any, tmp_path: Any, updates: int) -> None:
    words: dict[str, Any] = {"criterion": "taylor", "rewind": "lr"}
    undisturbed = searched(make_bench, folder=tmp_path / "undisturbed", **words)
    first = make_bench(observer=RecordingObserver(stop_after=updates), **WORDS | words)
    with pytest.raises(Stopped):
        search(first, 0)
    bench = searched(make_bench, **words)
    assert findings(bench).mask(0, 2) == findings(undisturbed).mask(0, 2)
    assert same_bits(findings(bench).trained(0, 2), findings(undisturbed).trained(0, 2))


def test_another_search_finds_other_channels_as_many_of_every_layer(make_bench: Any) -> None:
    bench = searched(make_bench)
    search(bench, 1)
    one, other = (findings(bench).mask(replicate, 2) for replicate in (0, 1))
    assert one != other
    assert one.counts() == other.counts()


def test_the_way_to_an_accuracy_drop_goes_by_the_rungs_of_channels(make_bench: Any) -> None:
    bench = searched(make_bench, levels=None, target={"max_accuracy_drop": 0.9}, rate=0.5)
    assert bench.plan.channels["levels"][-1]["kept"] == 2
    assert findings(bench).mask(0, bench.plan.levels).counts() == bench.plan.ladder[-1]["groups"]
    assert min(findings(bench).mask(0, bench.plan.levels).counts().values()) > 0


def test_a_choice_of_the_rewind_point_is_checked_on_the_narrow_network(make_bench: Any) -> None:
    bench = searched(make_bench, rewind="auto", levels=1)
    children = [Where.of_piece(piece) for piece in bench.journal.facts if piece.startswith("search/0/child_")]
    (sparse,) = [bench.result(where).multiply_adds for where in children if where.level == 1]
    assert sparse == bench.result(Where.of_search(0, 1)).multiply_adds
    assert sparse is not None


@pytest.mark.parametrize("kept", ["reinit", "reshuffle", "constant"])
def test_what_is_done_to_kept_weights_is_done_to_those_of_kept_channels(make_bench: Any, kept: str) -> None:
    bench = searched(make_bench, kept=kept, levels=1)
    found = findings(bench)
    mask, start = found.mask(0, 1), found.start(0, 1)
    assert not same_bits(mask.applied_to(start), mask.applied_to(bench.subject.initial_state))
    assert found.trained(0, 1).keys() == start.keys()


def test_ticket_and_controls_train_narrow_and_are_tested(make_bench: Any) -> None:
    bench = searched(make_bench, evidence={"replicates": 1, "replicates_of": "retrain", "controls": CONTROLS})
    bench.journal.record(CHOICE, {"level": 2})
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    gather(bench, findings(bench), restart=restart, levels=(2,))
    results = {branch: bench.result(Where(0, "certificate", branch, 2)) for branch in ("ticket", *CONTROLS)}
    ticket, listed = results["ticket"], bench.subject.inventory
    for control in ("reinit", "shuffle", "reinit_shuffle"):
        assert results[control].multiply_adds == ticket.multiply_adds
    assert results["dense_short"].multiply_adds is None
    assert ticket.multiply_adds is not None
    assert results["dense_short"].updates == 20 * ticket.multiply_adds // listed.multiply_adds
    assert bench.invariants.checked["control_differs"] == 4
    certificate = Judge(bench.journal, bench.recipe.evidence, 0, len(bench.data.y_test)).certificate(2)
    assert set(certificate.controls) == set(CONTROLS)
    assert bench.plan.at_most


def test_biases_and_norms_of_removed_channels_are_zero_too(
    make_bench: Any, residual: Subject, make_dataset: Any
) -> None:
    bench = searched(make_bench, subject=residual, data=make_dataset((1, 8, 8)), levels=1, criterion="norm_scale")
    state, kept = findings(bench).trained(0, 1), kept_of(bench.channels, findings(bench).mask(0, 1))
    for name, axis, along in bench.channels.makers():
        gone = (along >= 0) & ~torch.cat([kept, torch.ones(1, dtype=torch.bool)])[along]
        assert not bool(state[name].movedim(axis, 0)[gone].any())
