"""ticketing.controls.sparse: every control differs from its ticket, at equal counts in every layer or in total."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.controls import CONTROLS, Drawn
from ticketing.controls.sparse import DRAWS_TO_FILL_ALL, random, reinit, reinit_shuffle, shuffle
from ticketing.errors import InvariantError
from ticketing.mask import Mask
from ticketing.recipe import DENSE_LENGTHS, FULL_SCHEDULE, Control
from ticketing.sparse import same_bits

Subject = Any
PERMUTED, SPARSE = ("shuffle", "reinit_shuffle"), ("reinit", "shuffle", "reinit_shuffle", "random")
PLACE = {"seed": 0, "replicate": 0, "level": 1}


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


@pytest.mark.parametrize("control", ["reinit", *PERMUTED])
def test_a_control_has_the_tickets_counts_in_every_layer(control: str, subject: Subject, mask: Mask) -> None:
    found = drawn(control, subject, mask)
    assert (found.mask.counts(), found.equal) == (mask.counts(), "layers")


@pytest.mark.parametrize("control", SPARSE)
def test_a_control_differs_from_the_ticket(control: str, subject: Subject, mask: Mask) -> None:
    found = drawn(control, subject, mask)
    assert not same_bits(found.mask.applied_to(found.start), mask.applied_to(subject.initial_state))


@pytest.mark.parametrize("control", SPARSE)
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


def masks(most: int = 12) -> st.SearchStrategy[Mask]:
    """Masks of a few parameters, of which at least one keeps some entries and not others."""
    parameter = st.lists(st.booleans(), min_size=1, max_size=most)
    several = st.lists(parameter, min_size=1, max_size=3)
    made = several.map(lambda rows: Mask({f"p{i}": torch.tensor(row) for i, row in enumerate(rows)}))
    return made.filter(lambda mask: bool(divided(mask)))


def divided(mask: Mask) -> list[str]:
    return [name for name, kept in mask.counts().items() if 0 < kept < mask[name].numel()]


@settings(max_examples=150, deadline=None)
@given(masks(), st.integers(0, 5))
def test_a_shuffle_differs_in_every_parameter_that_can_and_keeps_its_count_in_each(
    subject: Subject, mask: Mask, seed: int
) -> None:
    found = shuffle(subject, mask, {}, seed=seed, replicate=0, level=1).mask
    assert found.counts() == mask.counts()
    for name in mask:
        assert torch.equal(found[name], mask[name]) == (name not in divided(mask))


@settings(max_examples=150, deadline=None)
@given(masks(), st.integers(0, 5))
def test_a_random_mask_keeps_the_total_and_leaves_whole_what_the_ticket_keeps_whole(
    subject: Subject, mask: Mask, seed: int
) -> None:
    found = random(subject, mask, {}, seed=seed, replicate=0, level=1).mask
    assert found.kept_count == mask.kept_count
    assert found != mask
    for name in mask:
        if name not in divided(mask):
            assert torch.equal(found[name], mask[name])


def test_random_counts_per_layer_are_those_of_chance_not_of_the_ticket(subject: Subject, mask: Mask) -> None:
    first, *others = mask
    # All of the pruning is in one parameter: by chance it is shared out in proportion to size.
    uneven = Mask({name: kept if name == first else torch.arange(kept.numel()).reshape(kept.shape) > 0
                   for name, kept in mask.items()})  # fmt: skip
    found = random(subject, uneven, subject.initial_state, **PLACE)
    assert found.equal == "total"
    density = uneven.kept_count / uneven.total
    for name in (first, others[0]):
        assert found.mask.counts()[name] / uneven[name].numel() == pytest.approx(density, abs=0.12)


def test_a_random_mask_empties_no_layer_while_it_can_be_helped(subject: Subject) -> None:
    mask = Mask({"wide": torch.arange(50) < 10, "narrow": torch.arange(4) < 1})
    for seed in range(30):
        assert all(random(subject, mask, {}, seed=seed, replicate=0, level=1).mask.counts().values())


def test_a_random_mask_that_must_empty_a_layer_is_drawn_all_the_same(subject: Subject) -> None:
    # Two entries for three parameters: no draw fills all of them.
    mask = Mask({"a": torch.arange(3) < 1, "b": torch.arange(3) < 1})
    assert DRAWS_TO_FILL_ALL > 0
    assert random(subject, mask, {}, seed=0, replicate=0, level=1).mask.kept_count == 2


def test_reinit_shuffle_keeps_neither_weights_nor_mask(subject: Subject, mask: Mask) -> None:
    found = reinit_shuffle(subject, mask, subject.initial_state, **PLACE)
    assert found.mask != mask
    assert not same_bits(found.start, subject.initial_state)
    others = [reinit(subject, mask, {}, **PLACE).start, shuffle(subject, mask, {}, **PLACE).mask]
    assert not same_bits(found.start, others[0])
    assert found.mask != others[1]


@pytest.mark.parametrize("control", ["shuffle", "random"])
def test_a_mask_that_keeps_all_or_nothing_of_every_tensor_is_refused_for_nothing_could_differ(
    control: str, subject: Subject
) -> None:
    mask = Mask({"a": torch.ones(3, dtype=torch.bool), "b": torch.zeros(3, dtype=torch.bool)})
    with pytest.raises(InvariantError, match="all or nothing"):
        CONTROLS[control](subject, mask, {}, **PLACE)


def test_every_word_of_the_recipe_has_its_control() -> None:
    assert set(Control.__args__) == set(CONTROLS) | DENSE_LENGTHS  # type: ignore[attr-defined]


@pytest.mark.parametrize("control", CONTROLS)
def test_what_the_plan_counts_is_what_a_control_trains(control: str, subject: Subject, mask: Mask) -> None:
    assert drawn(control, subject, mask).full_schedule == (control in FULL_SCHEDULE)
