"""ticketing.journal.invariants: every promise is counted when it holds and ends the run when it does not."""

from copy import deepcopy
from typing import Any

import pytest
import torch

from ticketing.errors import InvariantError
from ticketing.journal.invariants import PROMISES, Invariants
from ticketing.mask import Mask
from ticketing.subject import placed

FULL = Mask({"w": torch.ones(4, dtype=torch.bool)})
HALF = Mask({"w": torch.tensor([True, True, False, False])})
OTHER_HALF = Mask({"w": torch.tensor([True, False, True, False])})
GROUPS = {"w": ("w",)}


def test_every_promise_starts_unchecked() -> None:
    assert Invariants().checked == dict.fromkeys(PROMISES, 0)


def test_a_promise_that_holds_is_counted() -> None:
    invariants = Invariants()
    for _ in range(3):
        invariants.hold("order_unseen", True, "")
    assert invariants.checked["order_unseen"] == 3


def test_a_broken_promise_is_an_error_that_quotes_it() -> None:
    with pytest.raises(InvariantError, match=r"brings back\. Broken: level 2"):
        Invariants().hold("masks_monotone", False, "level 2")


def drawn(mask: Mask, *, before: Mask = FULL, count: int = 2, allow_collapse: bool = False) -> Invariants:
    invariants = Invariants()
    invariants.mask_drawn(
        mask, before=before, counts={"w": count}, groups=GROUPS, allow_collapse=allow_collapse, name="level 1"
    )
    return invariants


def test_a_mask_as_asked_is_counted_thrice() -> None:
    checked = drawn(HALF).checked
    assert [name for name, times in checked.items() if times] == [
        "masks_monotone",
        "counts_as_asked",
        "no_empty_parameter",
    ]


def test_a_revived_entry_is_found() -> None:
    with pytest.raises(InvariantError, match="no later level brings back"):
        drawn(OTHER_HALF, before=HALF)


def test_a_count_that_is_off_by_one_is_found() -> None:
    with pytest.raises(InvariantError, match=r"expected \{'w': 3\}, got \{'w': 2\}"):
        drawn(HALF, count=3)


def test_an_empty_parameter_is_found_unless_collapse_is_allowed() -> None:
    nothing = Mask({"w": torch.zeros(4, dtype=torch.bool)})
    with pytest.raises(InvariantError, match="left with nothing"):
        drawn(nothing, count=0)
    assert drawn(nothing, count=0, allow_collapse=True).checked["no_empty_parameter"] == 0


def test_a_mask_that_leaves_its_blocks_is_found_and_single_entries_promise_none() -> None:
    uneven, even = (Mask({"w": torch.tensor(kept) > 0}) for kept in ([[1, 1], [0, 0]], [[1, 0], [0, 1]]))
    invariants = Invariants()
    invariants.structured(even, 2, name="level 1")
    invariants.structured(uneven, None, name="level 1")
    assert invariants.checked["structure_kept"] == 1
    with pytest.raises(InvariantError, match=r"inputs of every block of a parameter\. Broken: level 1 in \['w'\]"):
        invariants.structured(uneven, 2, name="level 1")


def test_a_start_that_is_not_the_rewind_point_is_found_to_the_bit() -> None:
    point = {"w": torch.tensor([1.0, 2.0, 3.0, 4.0]), "b": torch.tensor([0.5])}
    began = {"w": torch.tensor([1.0, 2.0, 0.0, 0.0]), "b": torch.tensor([0.5])}
    Invariants().started(began, rewind_point=point, mask=HALF, name="level 1")
    for name in began:
        off = began | {name: began[name].nextafter(torch.tensor(9.0))}
        with pytest.raises(InvariantError, match="rewind point"):
            Invariants().started(off, rewind_point=point, mask=HALF, name="level 1")


def test_a_control_that_is_the_ticket_is_found() -> None:
    start = {"w": torch.arange(1.0, 5.0)}
    with pytest.raises(InvariantError, match="differs from its ticket"):
        Invariants().control_drawn(mask=HALF, start=start, ticket=HALF, rewind_point=start, name="reinit")


def test_a_control_with_other_counts_is_found() -> None:
    start = {"w": torch.arange(1.0, 5.0)}
    with pytest.raises(InvariantError, match="equal counts"):
        Invariants().control_drawn(mask=FULL, start=start, ticket=HALF, rewind_point=start, name="shuffle")


def test_a_random_control_may_differ_in_every_layer_but_not_in_total() -> None:
    start = {"a": torch.arange(1.0, 5.0), "b": torch.arange(1.0, 5.0)}
    ticket = Mask({"a": torch.arange(4) < 1, "b": torch.arange(4) < 2})
    other = Mask({"a": torch.arange(4) < 2, "b": torch.arange(4) < 1})
    more = Mask({"a": torch.arange(4) < 2, "b": torch.arange(4) < 2})
    drawn = {"start": start, "ticket": ticket, "rewind_point": start, "name": "random"}
    Invariants().control_drawn(mask=other, in_total=True, **drawn)
    for mask, in_total in ((other, False), (more, True), (ticket, True)):
        with pytest.raises(InvariantError, match="differs from its ticket"):
            Invariants().control_drawn(mask=mask, in_total=in_total, **drawn)


def test_a_shuffled_control_is_counted() -> None:
    invariants, start = Invariants(), {"w": torch.arange(1.0, 5.0)}
    invariants.control_drawn(mask=OTHER_HALF, start=start, ticket=HALF, rewind_point=start, name="shuffle")
    assert invariants.checked["control_differs"] == 1


@pytest.fixture
def network(make_subject: Any) -> tuple[Invariants, torch.nn.Module, Mask]:
    subject, invariants = make_subject(), Invariants()
    mask = Mask({name: torch.arange(kept.numel()).reshape(kept.shape) % 2 == 0 for name, kept in
                 Mask.full(subject.shapes).items()})  # fmt: skip
    watched = invariants.watched(subject.module, mask, name="level 1")
    return invariants, placed(deepcopy(watched), mask.applied_to(subject.initial_state), device="cpu"), mask


def test_a_watched_network_is_looked_at_once_per_evaluation(network: tuple[Invariants, torch.nn.Module, Mask]) -> None:
    invariants, module, _ = network
    for _ in range(2):
        module.train()(torch.zeros(2, 8))
        for _ in range(3):
            module.eval()(torch.zeros(2, 8))
    assert invariants.checked["masked_entries_zero"] == 2


def test_a_pruned_entry_that_grew_is_found_at_the_next_evaluation(
    network: tuple[Invariants, torch.nn.Module, Mask],
) -> None:
    _, module, _ = network
    with torch.no_grad():
        next(module.parameters())[0, 1] = 1e-30
    with pytest.raises(InvariantError, match=r"level 1 in \['fc1.weight'\]"):
        module.eval()(torch.zeros(2, 8))


def test_what_a_pruned_entry_holds_is_watched_where_it_is_not_zero(make_subject: Any) -> None:
    subject, invariants = make_subject(), Invariants()
    mask = Mask({name: torch.zeros(shape, dtype=torch.bool) for name, shape in subject.shapes.items()})
    watched = invariants.watched(subject.module, mask, name="level 1", held=subject.initial_state)
    module = placed(watched, subject.initial_state, device="cpu")
    module.eval()(torch.zeros(2, 8))
    assert invariants.checked["pruned_entries_held"] == 1
    with torch.no_grad():
        next(module.parameters())[0, 1] += 1e-3
    module.train()(torch.zeros(2, 8))
    with pytest.raises(InvariantError, match=r"given at every .* level 1 in \['fc1.weight'\]"):
        module.eval()(torch.zeros(2, 8))


def test_a_start_that_does_not_hold_what_it_should_is_found() -> None:
    point, mask = {"w": torch.tensor([1.0, 2.0, 3.0, 4.0])}, HALF
    Invariants().started(point, rewind_point=point, mask=mask, name="level 1", hold=True)
    with pytest.raises(InvariantError, match="rewind point"):
        Invariants().started(mask.applied_to(point), rewind_point=point, mask=mask, name="level 1", hold=True)


def test_a_dense_network_is_not_watched(make_subject: Any) -> None:
    subject = make_subject()
    assert Invariants().watched(subject.module, Mask.full(subject.shapes), name="dense") is subject.module
