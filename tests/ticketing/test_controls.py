"""ticketing.controls: every control differs from its ticket, at equal counts in every layer."""

from typing import Any

import pytest
import torch

from ticketing.controls import CONTROLS, Drawn, reinit, shuffle
from ticketing.mask import Mask
from ticketing.recipe import Control
from ticketing.sparse import same_bits

Subject = Any


@pytest.fixture(scope="module")
def subject(make_subject: Any) -> Subject:
    return make_subject()


@pytest.fixture(scope="module")
def mask(subject: Subject) -> Mask:
    generator = torch.Generator().manual_seed(0)
    return Mask({name: torch.rand(shape, generator=generator) < 0.4 for name, shape in subject.shapes.items()})


def drawn(control: str, subject: Subject, mask: Mask, **place: int) -> Drawn:
    where = {"seed": 0, "replicate": 0, "level": 1} | place
    return CONTROLS[control](subject, mask, subject.initial_state, **where)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_has_the_tickets_counts_in_every_layer(control: str, subject: Subject, mask: Mask) -> None:
    assert drawn(control, subject, mask).mask.counts() == mask.counts()


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_differs_from_the_ticket(control: str, subject: Subject, mask: Mask) -> None:
    found = drawn(control, subject, mask)
    assert not same_bits(found.mask.applied_to(found.start), mask.applied_to(subject.initial_state))


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("place", [{"seed": 1}, {"replicate": 1}, {"level": 2}])
def test_every_seed_replicate_and_level_has_its_own_draw(
    control: str, place: dict[str, int], subject: Subject, mask: Mask
) -> None:
    one, other = drawn(control, subject, mask), drawn(control, subject, mask, **place)
    assert not (one.mask == other.mask and same_bits(one.start, other.start))
    assert same_bits(one.start, drawn(control, subject, mask).start)


def test_reinit_keeps_the_mask_and_trains_the_whole_schedule(subject: Subject, mask: Mask) -> None:
    found = reinit(subject, mask, subject.initial_state, seed=0, replicate=0, level=1)
    assert found.mask is mask
    assert found.full_schedule


def test_shuffle_keeps_the_tickets_weights_and_its_schedule(subject: Subject, mask: Mask) -> None:
    found = shuffle(subject, mask, subject.initial_state, seed=0, replicate=0, level=1)
    assert found.start is subject.initial_state
    assert not found.full_schedule


@pytest.mark.parametrize("seed", range(20))
def test_a_shuffle_is_never_the_mask_itself_however_few_entries_there_are(seed: int, subject: Subject) -> None:
    mask = Mask({"w": torch.tensor([True, False])})
    found = shuffle(subject, mask, {}, seed=seed, replicate=0, level=1)
    assert found.mask["w"].tolist() == [False, True]


def test_a_mask_that_keeps_all_or_nothing_of_every_tensor_cannot_be_shuffled(subject: Subject) -> None:
    mask = Mask({"a": torch.ones(3, dtype=torch.bool), "b": torch.zeros(3, dtype=torch.bool)})
    assert shuffle(subject, mask, {}, seed=0, replicate=0, level=1).mask == mask


def test_every_word_of_the_recipe_has_its_control() -> None:
    assert set(Control.__args__) == set(CONTROLS)  # type: ignore[attr-defined]
