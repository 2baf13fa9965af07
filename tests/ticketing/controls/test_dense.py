"""ticketing.controls.dense: a dense network that is no larger than the ticket, drawn from its own initialiser."""

from typing import Any

import pytest
import torch

from ticketing.controls.dense import small_dense
from ticketing.controls.drawn import Drawn
from ticketing.mask import Mask
from ticketing.plans.narrowing import parameters_with
from ticketing.sparse import same_bits


@pytest.fixture(scope="module")
def subject(make_subject: Any) -> Any:
    return make_subject()


def drawn(subject: Any, share: float = 0.4, **place: int) -> Drawn:
    generator = torch.Generator().manual_seed(0)
    mask = Mask({name: torch.rand(shape, generator=generator) < share for name, shape in subject.shapes.items()})
    return small_dense(subject, mask, subject.initial_state, **({"seed": 0, "replicate": 0, "level": 1} | place))


@pytest.mark.parametrize("share", [0.2, 0.4, 0.9])
def test_it_has_at_most_the_tickets_parameters_and_nothing_of_it_is_pruned(subject: Any, share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    kept = sum(int((torch.rand(shape, generator=generator) < share).sum()) for shape in subject.shapes.values())
    found = drawn(subject, share)
    assert found.subject.inventory.parameters_total <= parameters_with(subject.inventory, kept)
    assert found.mask.kept_count == found.mask.total == found.subject.inventory.prunable_total
    assert (found.full_schedule, found.equal) == (True, "parameters")


def test_its_state_fits_its_own_network(subject: Any) -> None:
    found = drawn(subject)
    assert {name: tuple(value.shape) for name, value in found.start.items()} == {
        name: tuple(value.shape) for name, value in found.subject.module.state_dict().items()
    }


@pytest.mark.parametrize("place", [{"seed": 1}, {"replicate": 1}, {"level": 2}])
def test_every_seed_replicate_and_level_has_its_own_weights(subject: Any, place: dict[str, int]) -> None:
    assert same_bits(drawn(subject).start, drawn(subject).start)
    assert not same_bits(drawn(subject).start, drawn(subject, **place).start)
