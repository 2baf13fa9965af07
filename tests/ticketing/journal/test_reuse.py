"""ticketing.journal.reuse: equal courses have one address, what matters changes it, nothing is trained twice."""

from typing import Any

import pytest
import torch

from ticketing.journal.reuse import KEPT, Course, address, forget, train_once
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.sparse import same_bits

WHERE = Where.of_search(0, 0)


def course(bench: Workbench, **fields: Any) -> Course:
    return Course(**{"mask": Mask.full(bench.subject.shapes), "order_seed": 1} | fields)


def at(bench: Workbench, **fields: Any) -> str:
    return address(bench, bench.subject.initial_state, course(bench, **fields))


def half(bench: Workbench) -> Mask:
    full = Mask.full(bench.subject.shapes)
    return Mask({name: torch.arange(kept.numel()).reshape(kept.shape) % 2 == 0 for name, kept in full.items()})


def test_equal_courses_have_one_address_whoever_asks(make_bench: Any, tmp_path: Any) -> None:
    one = make_bench()
    other = make_bench(levels=5, rewind="lr", evidence="none", folder=tmp_path / "other")
    assert at(one) == at(other) == at(one, last_step=20)


def test_a_pruned_entry_of_the_start_makes_no_difference(make_bench: Any) -> None:
    bench = make_bench()
    mask = half(bench)
    masked = mask.applied_to(bench.subject.initial_state)
    assert address(bench, masked, course(bench, mask=mask)) == at(bench, mask=mask)


@pytest.mark.parametrize(
    "fields",
    [{"order_seed": 2}, {"first_step": 3}, {"last_step": 10}, {"patience": 2}, {"fine_tune": True}, {"spread": True}],
)
def test_another_course_has_another_address(make_bench: Any, fields: dict[str, Any]) -> None:
    bench = make_bench()
    assert at(bench, **fields) != at(bench)


def test_another_mask_start_or_hardware_has_another_address(make_bench: Any, make_subject: Any) -> None:
    bench = make_bench()
    addresses = {at(bench), at(bench, mask=half(bench))}
    addresses.add(address(bench, make_subject(seed=1).initial_state, course(bench)))
    bench.journal.execution_key["threads"] = 2
    assert len(addresses | {at(bench)}) == 4


@pytest.mark.parametrize(
    "fields", [{"batch_size": 20}, {"evaluate_every": "2it"}, {"schedule": {"name": "milestones", "at": ["3it"]}}]
)
def test_another_training_part_of_the_recipe_has_another_address(
    make_bench: Any, make_training: Any, fields: dict[str, Any], tmp_path: Any
) -> None:
    assert at(make_bench(training=make_training(**fields), folder=tmp_path / "other")) != at(make_bench())


def test_the_length_is_part_of_an_address_as_the_end_alone(make_bench: Any, make_training: Any, tmp_path: Any) -> None:
    longer = make_bench(training=make_training(length="40it"), folder=tmp_path / "longer")
    assert at(longer) != at(make_bench())
    assert at(longer, last_step=20) == at(make_bench())
    assert at(longer, last_step=20, fine_tune=True) != at(make_bench(), fine_tune=True)


def test_a_training_asked_for_again_is_taken_from_the_journal_captures_and_all(make_bench: Any) -> None:
    bench = make_bench()
    start = bench.subject.initial_state
    one, result = train_once(bench, WHERE, start, course(bench), capture_at={4, 7})
    made = bench.observer.last_progress
    bench.save(WHERE)
    bench = make_bench()
    other, same = train_once(bench, WHERE, start, course(bench), capture_at={7})
    assert bench.observer.last_progress == {} != made
    assert (other.curve, other.updates, same) == (one.curve, one.updates, result)
    assert same_bits(other.final, one.final)
    assert same_bits(other.best, one.best)
    assert same_bits(other.captured[7], one.captured[7])


def test_a_state_that_was_not_captured_is_trained_for_again(make_bench: Any) -> None:
    bench = make_bench()
    start = bench.subject.initial_state
    train_once(bench, WHERE, start, course(bench), capture_at={4})
    again, _ = train_once(bench, WHERE, start, course(bench), capture_at={5})
    assert 5 in again.captured


def test_what_is_forgotten_is_gone(make_bench: Any) -> None:
    bench = make_bench()
    train_once(bench, WHERE, bench.subject.initial_state, course(bench))
    forget(bench.journal, KEPT)
    assert not [piece for piece in {**bench.journal.facts, **bench.journal.tensors} if piece.startswith(KEPT)]


def test_a_schedule_that_is_spread_is_another_one_than_its_beginning(make_bench: Any, make_training: Any) -> None:
    bench = make_bench(training=make_training(schedule={"name": "cosine"}))
    assert at(bench, last_step=10) != at(bench, last_step=10, spread=True)
