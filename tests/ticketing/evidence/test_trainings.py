"""ticketing.evidence.trainings: paired trainings on an unseen order, the test split after the choice, nothing twice."""

from typing import Any

import numpy as np
import pytest
import torch

from ticketing.actions import Actions
from ticketing.errors import InvariantError
from ticketing.evidence.testing import correct_answers
from ticketing.evidence.trainings import CHOICE, gather, searches_of
from ticketing.evidence.trainings import _drawn as drawn_for
from ticketing.journal.findings import Findings
from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe import Evidence
from ticketing.searches.iterative import search
from ticketing.training.rewinding import restart_of

EVIDENCE = {"replicates": 2, "controls": ["reinit", "shuffle"]}


def gathered(bench: Workbench, levels: tuple[int, ...] = (2,), *, choose: bool = True) -> Workbench:
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    for replicate in range(searches_of(bench.recipe.evidence)):
        search(bench, replicate)
    if choose:
        bench.journal.record(CHOICE, {"level": 2})
    actions = Actions.of(bench.recipe)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed, actions=actions)
    gather(bench, found, restart=restart, levels=levels)
    return bench


def answers(bench: Workbench, branch: str, level: int = 2, moment: str = "best") -> Any:
    n = bench.recipe.evidence.replicates
    return correct_answers(bench.journal, branch=branch, level=level, replicates=n, examples=60, moment=moment)


@pytest.mark.parametrize(("of", "searches"), [("search", 2), ("retrain", 1)])
def test_replicates_of_a_search_are_searches(of: str, searches: int) -> None:
    assert searches_of(Evidence.model_validate({"replicates": 2, "replicates_of": of})) == searches


def test_without_replicates_there_still_is_one_search() -> None:
    assert searches_of(Evidence(replicates=0)) == 1


def test_dense_ticket_and_controls_are_trained_for_every_replicate(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE))
    pieces = [piece for piece in bench.journal.facts if piece.startswith("certificate/")]
    branches = ["dense/0", "ticket/2", "reinit/2", "shuffle/2"]
    assert pieces == [f"certificate/{replicate}/{branch}" for replicate in (0, 1) for branch in branches]


def test_every_update_of_the_plan_is_made_and_no_other(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE))
    assert bench.observer.last_progress["fraction"] == 1.0


def test_every_update_of_the_plan_is_made_from_a_late_rewind_point_too(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE, rewind="5it"))
    assert bench.observer.last_progress["fraction"] == 1.0
    trained = {piece: facts["updates"] for piece, facts in bench.journal.facts.items() if "certificate/0" in piece}
    assert list(trained.values()) == [20, 15, 20, 15]


def test_the_answers_are_those_of_the_test_split(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE))
    found = answers(bench, "ticket")
    assert found.shape == (2, 60)
    assert 0.4 < found.mean() < 1.0


def test_replicates_differ(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE))
    for branch, level in (("dense", 0), ("ticket", 2), ("reinit", 2), ("shuffle", 2)):
        losses = [
            Result.from_json(bench.journal.facts[Where(r, "certificate", branch, level).piece]).loss for r in (0, 1)
        ]
        assert losses[0] != losses[1]


def test_retraining_gives_one_mask_several_orders(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE | {"replicates_of": "retrain"}))
    assert "mask/1/2" not in bench.journal.facts
    losses = {bench.journal.facts[f"certificate/{replicate}/ticket/2"]["loss"] for replicate in (0, 1)}
    assert len(losses) == 2


def test_the_certificate_is_no_repetition_of_the_search(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE))
    facts = bench.journal.facts
    assert facts["search/0/ticket/2"]["loss"] != facts["certificate/0/ticket/2"]["loss"]
    assert bench.invariants.checked["order_unseen"] == 8


def test_controls_are_checked_against_their_tickets(make_bench: Any) -> None:
    assert gathered(make_bench(evidence=EVIDENCE)).invariants.checked["control_differs"] == 4


def test_the_test_split_is_closed_until_the_choice_is_in_the_log(make_bench: Any) -> None:
    with pytest.raises(InvariantError, match="only after the level was chosen"):
        gathered(make_bench(evidence=EVIDENCE), choose=False)


def test_all_levels_are_judged_where_that_is_asked(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence=EVIDENCE), levels=(1, 2))
    assert answers(bench, "shuffle", level=1).shape == (2, 60)


def test_the_last_step_is_tested_beside_the_best(make_bench: Any, make_training: Any) -> None:
    training = make_training(optimizer={"name": "adam", "learning_rate": 0.3}, evaluate_every="1it", length="60it")
    bench = gathered(make_bench(evidence=EVIDENCE, training=training))
    assert not np.array_equal(answers(bench, "dense", 0), answers(bench, "dense", 0, "last"))


@pytest.mark.parametrize("updates", [5, 45, 130])
def test_evidence_stopped_anywhere_ends_the_same_and_trains_nothing_twice(
    make_bench: Any, tmp_path: Any, updates: int
) -> None:
    undisturbed = gathered(make_bench(evidence=EVIDENCE, folder=tmp_path / "undisturbed"))
    searching = 2 * (3 * 20 + 3)
    with pytest.raises(Stopped):
        gathered(make_bench(evidence=EVIDENCE, observer=RecordingObserver(stop_after=searching + updates)))
    bench = gathered(make_bench(evidence=EVIDENCE))
    for piece, facts in undisturbed.journal.facts.items():
        if piece.startswith("certificate/"):
            assert bench.journal.facts[piece] | {"seconds": 0} == facts | {"seconds": 0}
            for name, tensor in undisturbed.journal.tensors[piece].items():
                assert bench.journal.tensors[piece][name].tolist() == tensor.tolist()
    # Asked once per update and once after each training: what was trained before the stop is not asked about again.
    assert bench.observer.asked < undisturbed.observer.asked - searching


def begins(bench: Workbench, branch: str, replicate: int = 0) -> tuple[Mask, Any]:
    """Give the mask and the start of one training of the certificate at level 2, after the search."""
    restart, actions = restart_of(bench.recipe, per_epoch=bench.per_epoch), Actions.of(bench.recipe)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed, actions=actions)
    drawn = drawn_for(bench, found, Where(replicate, "certificate", branch, 2))
    return drawn.mask, drawn.start


@pytest.fixture
def acted(make_bench: Any) -> Any:
    def make(**words: Any) -> Workbench:
        bench: Workbench = make_bench(evidence=EVIDENCE, **words)
        for replicate in range(2):
            search(bench, replicate)
        return bench

    return make


def test_the_reinit_of_a_constant_ticket_has_its_sizes_and_other_signs(acted: Any) -> None:
    bench = acted(kept="constant")
    mask, ticket = begins(bench, "ticket")
    other_mask, control = begins(bench, "reinit")
    assert mask == other_mask
    for name, kept in mask.items():
        assert len(ticket[name][kept].abs().unique()) == len(control[name][kept].abs().unique()) == 1
    signs = [torch.cat([torch.sign(start[name][kept]) for name, kept in mask.items()]) for start in (ticket, control)]
    assert 0.2 < float((signs[0] == signs[1]).float().mean()) < 0.8


@pytest.mark.parametrize("kept", ["reinit", "reshuffle", "reshuffle_all", "constant_random_sign"])
def test_ticket_and_reinit_never_share_a_draw_nor_do_two_replicates_of_it(acted: Any, kept: str) -> None:
    bench = acted(kept=kept)
    starts = [begins(bench, branch, replicate)[1] for branch in ("ticket", "reinit") for replicate in (0, 1)]
    signs = [tuple(torch.sign(start["fc2.weight"]).reshape(-1).tolist()) for start in starts]
    assert len(set(signs)) == 4


def test_a_shuffle_keeps_the_weights_of_its_ticket_where_both_keep(acted: Any) -> None:
    bench = acted(kept="reinit")
    (mask, ticket), (other, control) = begins(bench, "ticket"), begins(bench, "shuffle")
    for name, kept in mask.items():
        both = kept & other[name]
        assert torch.equal(ticket[name][both], control[name][both])


@pytest.mark.parametrize("pruned", ["freeze", "freeze_if_growing", "freeze_if_growing_all", "freeze_if_shrinking"])
@pytest.mark.parametrize("branch", ["reinit", "shuffle"])
def test_a_control_holds_as_many_entries_as_its_ticket_and_starts_as_many_at_zero(
    acted: Any, pruned: str, branch: str
) -> None:
    bench = acted(pruned=pruned)
    (mask, ticket), (other, control) = begins(bench, "ticket"), begins(bench, branch)
    for name, kept in mask.items():
        for ours, theirs in ((kept, other[name]), (~kept, ~other[name])):
            assert int((ticket[name][ours] != 0).sum()) == int((control[name][theirs] != 0).sum())


def test_all_that_is_judged_holds_its_values_through_its_training(acted: Any) -> None:
    bench = acted(pruned="freeze")
    before = bench.invariants.checked["pruned_entries_held"]
    gathered(bench)
    # Ticket and two controls of two replicates, each looked at four times; the dense network has nothing to hold.
    assert bench.invariants.checked["pruned_entries_held"] - before == 2 * 3 * 4
    assert bench.invariants.checked["masked_entries_zero"] == 0


def test_every_control_is_trained_in_its_own_network(make_bench: Any) -> None:
    controls = ["reinit", "shuffle", "reinit_shuffle", "random", "small_dense"]
    bench = gathered(make_bench(evidence={"replicates": 1, "controls": controls}))
    found = {branch: answers(bench, branch).tolist() for branch in ("ticket", *controls)}
    assert len({str(rows) for rows in found.values()}) == len(found)
    assert bench.invariants.checked["control_differs"] == len(controls)
    assert bench.observer.last_progress["fraction"] == 1.0


@pytest.mark.parametrize(("control", "rewind"), [("dense_short", "0it"), ("dense_long", "lr")])
def test_of_a_mask_that_is_retrained_every_replicate_has_the_dense_network_of_its_one_search(
    make_bench: Any, control: str, rewind: str
) -> None:
    evidence = {"replicates": 2, "replicates_of": "retrain", "controls": [control]}
    bench = gathered(make_bench(evidence=evidence, rewind=rewind))
    made = [bench.result(Where(replicate, "certificate", control, 2)).updates for replicate in (0, 1)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("control", "words", "updates"),
    [
        ("dense_short", {"rate": 0.4}, [7]),
        ("dense_short", {"rate": 0.4, "rewind": "5it"}, [10]),
        ("dense_long", {"rewind": "lr"}, [60]),
        ("dense_long", {"rewind": "none"}, [60]),
    ],
)
def test_the_dense_network_trains_for_the_updates_its_ticket_gives_it(
    make_bench: Any, control: str, words: dict[str, Any], updates: list[int]
) -> None:
    bench = gathered(make_bench(evidence={"replicates": 1, "controls": [control]}, **words))
    piece = f"certificate/0/{control}/2"
    assert [bench.journal.facts[piece]["updates"]] == updates
    assert bench.journal.tensors[piece]["curve"][-1, 0] == updates[0]
    assert bench.observer.last_progress["fraction"] == 1.0


def test_dense_trained_for_longer_begins_as_dense_does_and_sees_its_batches(make_bench: Any) -> None:
    bench = gathered(make_bench(evidence={"replicates": 1, "controls": ["dense_long"]}, rewind="lr"))
    dense, longer = (bench.journal.tensors[f"certificate/0/{place}"]["curve"] for place in ("dense/0", "dense_long/2"))
    # The learning rate is constant: up to where dense ends they are one training.
    assert torch.equal(dense, longer[: len(dense)])


def test_dense_trained_for_less_comes_to_the_drops_of_its_schedule_all_the_same(
    make_bench: Any, make_training: Any, tmp_path: Any
) -> None:
    schedules: list[dict[str, Any]] = [{"name": "constant"}, {"name": "milestones", "at": ["10it"], "factor": 0.1}]
    equal = []
    for schedule in schedules:
        words = {"rate": 0.4, "training": make_training(schedule=schedule), "folder": tmp_path / str(schedule["name"])}
        bench = gathered(make_bench(evidence={"replicates": 1, "controls": ["dense_short"]}, **words))
        curves = [bench.journal.tensors[f"certificate/0/{place}"]["curve"] for place in ("dense/0", "dense_short/2")]
        equal.append(torch.equal(curves[0][0], curves[1][0]))
    # Of its 7 updates the fifth, before the first evaluation, is beyond the half at which the rate drops.
    assert equal == [True, False]


def test_a_long_dense_training_stopped_on_its_way_ends_the_same(
    make_bench: Any, make_training: Any, tmp_path: Any
) -> None:
    schedule = {"name": "milestones", "at": ["10it"], "factor": 0.1}
    words = {"evidence": {"replicates": 1, "controls": ["dense_long"]}, "rewind": "lr"}
    words["training"] = make_training(schedule=schedule)
    undisturbed = gathered(make_bench(folder=tmp_path / "undisturbed", **words))
    # Three levels, dense and ticket are 20 updates each and a question after each; then 33 of the 60.
    with pytest.raises(Stopped):
        gathered(make_bench(observer=RecordingObserver(stop_after=5 * 21 + 33), **words))
    bench = gathered(make_bench(**words))
    for name, tensor in undisturbed.journal.tensors["certificate/0/dense_long/2"].items():
        assert bench.journal.tensors["certificate/0/dense_long/2"][name].tolist() == tensor.tolist()
