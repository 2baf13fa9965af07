"""Mistakes that published code for lottery tickets has made, each as the sentence that must not become true here."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import torch

from ticketing.actions import Actions, begun, replaced, with_initial
from ticketing.actions.pruned import PRUNED
from ticketing.architectures import arguments_for, inventory
from ticketing.controls import shuffle
from ticketing.criteria import CRITERIA, Candidates
from ticketing.ladder.counts import groups, kept_counts
from ticketing.ladder.schedule import ladder
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.pruning.selection import keep_top
from ticketing.recipe import Iterative
from ticketing.searches.iterative import search
from ticketing.sparse import same_bits
from ticketing.training.loop import train
from ticketing.training.trainee import Trainee


def recipe(**words: Any) -> Iterative:
    return Iterative.model_validate({"search": "iterative"} | words)


@pytest.mark.parametrize("keep", range(1, 10))
def test_a_threshold_that_prunes_one_weight_too_many(keep: int) -> None:
    # `score > sorted[n]` keeps one less than was asked for.
    assert keep_top({"a": torch.arange(10.0)}, keep)["a"].sum() == keep


def test_one_weight_too_many_per_level_adds_up_over_a_ladder() -> None:
    lenet = inventory("lenet-300-100", arguments_for("lenet-300-100", {}))
    for before, after in pairwise(kept_counts(lenet, recipe(levels=20, rate=0.2))):
        for name, kept in after.items():
            assert abs(kept - before[name] * Fraction(4, 5)) <= Fraction(1, 2)


@pytest.mark.parametrize("ties", [None, 0])
def test_all_tied_weights_are_pruned_at_once(ties: int | None) -> None:
    assert keep_top({"a": torch.ones(6), "b": torch.ones(4)}, 5, ties=ties, allow_collapse=True).kept_count == 5


def test_ties_all_fall_into_the_last_rows() -> None:
    # An input that never varies ties all of its weights: the earlier ones are no better than the later.
    rows = keep_top({"a": torch.zeros(100, 100)}, 5_000, ties=0)["a"].sum(1)
    assert rows.min() > 20
    assert rows.max() < 80


def test_biases_and_norm_statistics_stay_trained_when_the_weights_are_rewound(
    make_bench: Any, make_subject: Any, make_dataset: Any
) -> None:
    network = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    bench = make_bench(subject=network, data=make_dataset((1, 8, 8)), levels=1, training={"length": "2it"})
    search(bench, 0)
    # The start of level 1 was compared with the initial state bit for bit, biases, norms and buffers among it.
    assert bench.invariants.checked["survivors_rewound"] == 2
    assert any(name.endswith("running_mean") for name in network.initial_state)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("hold", [False, True])
def test_the_mask_is_off_between_two_prunings(
    hold: bool, momentum: float, make_subject: Any, make_dataset: Any, make_training: Any
) -> None:
    subject, generator = make_subject(), torch.Generator().manual_seed(0)
    mask = Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})
    training = make_training(optimizer={"name": "sgd", "momentum": momentum, "weight_decay": 0.1})
    start = subject.initial_state if hold else mask.applied_to(subject.initial_state)
    trainee = Trainee(subject.module, start, make_dataset(), training, mask, 0, hold=hold)
    for _ in range(5):
        trainee.update(0.1)
        state = trainee.saved().state
        for name, kept in mask.items():
            assert torch.equal(state[name][~kept], start[name][~kept])
            assert not torch.equal(state[name][kept], start[name][kept])


def test_a_shuffle_that_shuffles_nothing(make_subject: Any) -> None:
    # Permuting a copy, or the rows alone, or every tensor by the permutation of the first.
    subject = make_subject(in_features=12, hidden=[12, 12], classes=12)
    generator = torch.Generator().manual_seed(0)
    same = torch.rand(12, 12, generator=generator) < 0.5
    mask = Mask(dict.fromkeys(subject.shapes, same))
    drawn = shuffle(subject, mask, subject.initial_state, seed=0, replicate=0, level=1).mask
    assert all(not torch.equal(drawn[name], same) for name in mask)
    assert len({tuple(drawn[name].reshape(-1).tolist()) for name in mask}) == len(mask)
    assert all(drawn[name].sum(1).tolist() != same.sum(1).tolist() for name in mask)


@pytest.mark.parametrize("word", ["reshuffle", "reshuffle_all"])
def test_a_reshuffle_that_leaves_the_weights_where_they_were(word: str, make_subject: Any) -> None:
    subject = make_subject()
    mask = Mask.full(subject.shapes)
    state = replaced(subject, subject.initial_state, mask, Actions(word), seed=0, replicate=0, labels=("ticket", "1"))
    for name in mask:
        moved = (state[name] != subject.initial_state[name]).float().mean()
        assert moved > 0.8


@pytest.mark.parametrize("action", ["freeze_if_growing", "freeze_if_growing_all"])
def test_negative_weights_are_frozen_whatever_training_did(action: str) -> None:
    # `w_f < w_i` calls a negative weight that grew one that shrank: half of all weights, the wrong way round.
    initial = {"a": torch.tensor([-0.1, -0.5, 0.1, 0.5])}
    trained = {"a": torch.tensor([-0.4, -0.2, 0.4, 0.2])}
    full, none = Mask.full({"a": (4,)}), Mask({"a": torch.zeros(4, dtype=torch.bool)})
    held = with_initial(action, before=full, mask=none, initial_before=full, initial=initial, trained=trained)
    assert begun(initial, held)["a"].tolist() == pytest.approx([-0.1, 0, 0.1, 0])
    assert set(PRUNED) >= {action}


def test_negative_weights_are_pruned_first() -> None:
    weights = {"a": torch.tensor([-5.0, 1.0, -4.0, 2.0])}
    candidates = Candidates(Mask.full({"a": (4,)}), weights, weights, 0, lambda: weights)
    assert keep_top(CRITERIA["large_final"](candidates), 2)["a"].tolist() == [True, False, True, False]


@pytest.mark.parametrize("scope", ["global", "erk", "lamp"])
def test_an_output_layer_is_counted_in_k_but_exempt_from_pruning(scope: str) -> None:
    # Then the others lose their own share and the output layer's as well.
    lenet = inventory("lenet-300-100", arguments_for("lenet-300-100", {}))
    asked = recipe(levels=3, scope=scope, rate={"default": 0.5, "output": 0})
    competing = ladder(266_200 - 1_000, 0.5, 3)
    for row, kept in zip(kept_counts(lenet, asked), competing, strict=True):
        assert row["fc3.weight"] == 1_000
        assert sum(row.values()) - 1_000 == kept
    assert ("fc3.weight",) in groups(lenet, asked).values()


def test_a_pruned_weight_comes_back_because_it_is_scored_again(make_bench: Any) -> None:
    said = RecordingObserver()
    bench = make_bench(levels=4, criterion="small_final", observer=said)
    search(bench, 0)
    # Pruned weights are 0, the best a criterion that keeps the small could find.
    assert bench.invariants.checked["masks_monotone"] == 4
    assert [event["kept"] for event in said.of_type("mask_drawn")] == [285, 228, 182, 145]


def test_the_dense_run_of_a_ladder_depends_on_what_is_done_to_the_pruned(
    make_subject: Any, make_dataset: Any, make_training: Any
) -> None:
    subject = make_subject()
    trained = [
        train(
            subject.module, subject.initial_state, data=make_dataset(), training=make_training(), hold=hold,
            order_seed=0, observer=RecordingObserver(),
        ).final
        for hold in (False, True)
    ]  # fmt: skip
    assert same_bits(*trained)
