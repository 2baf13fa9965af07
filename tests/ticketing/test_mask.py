"""ticketing.mask: counts, order, distance and bits of masks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.errors import InvariantError, VerificationError
from ticketing.mask import Mask

SHAPES = {"a": (3, 5), "b": (2, 2, 3)}


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    return Mask(
        {
            name: torch.tensor(draw(st.lists(st.booleans(), min_size=n, max_size=n))).reshape(SHAPES[name])
            for name, n in {"a": 15, "b": 12}.items()
        }
    )


def test_counts_what_is_kept() -> None:
    mask = Mask({"a": torch.tensor([True, False, False, True]), "b": torch.tensor([[False]])})
    assert mask.counts() == {"a": 2, "b": 0}
    assert (mask.kept_count, mask.total, mask.density, mask.sparsity) == (2, 5, 0.4, 0.6)


def test_a_full_mask_removes_nothing() -> None:
    assert Mask.full(SHAPES).sparsity == 0
    assert {name: tuple(tensor.shape) for name, tensor in Mask.full(SHAPES).items()} == SHAPES


def test_a_mask_that_is_not_bool_is_refused() -> None:
    with pytest.raises(InvariantError, match=r"bools for a, got torch\.float32"):
        Mask({"a": torch.ones(2)})


@given(masks(), masks())
def test_within_says_that_nothing_was_revived(one: Mask, other: Mask) -> None:
    both = Mask({name: one[name] & other[name] for name in one})
    assert both.within(one)
    assert both.within(other)
    assert one.within(other) == (both == one)


@given(masks(), masks())
def test_distance_is_the_share_of_entries_that_differ(one: Mask, other: Mask) -> None:
    differing = sum(x != y for name in one for x, y in zip(one[name].ravel(), other[name].ravel(), strict=True))
    assert one.distance(other) == other.distance(one) == differing / 27
    assert one.distance(one) == 0


def test_masks_of_other_parameters_cannot_be_compared() -> None:
    with pytest.raises(InvariantError, match="same parameters"):
        Mask.full({"a": (2, 3)}).within(Mask.full({"a": (3, 2)}))


@given(masks())
def test_unpacking_gives_back_what_was_packed(mask: Mask) -> None:
    assert Mask.unpack(mask.pack(), SHAPES) == mask


@given(masks())
def test_numpy_alone_can_read_packed_bits(mask: Mask) -> None:
    bits = np.unpackbits(mask.pack()["a"].numpy(), bitorder="little", count=15)
    assert bits.reshape(3, 5).tolist() == mask["a"].int().tolist()


def test_the_first_entry_is_the_lowest_bit() -> None:
    mask = Mask({"a": torch.tensor([True, False, False, True, False, False, False, False, True])})
    assert mask.pack()["a"].tolist() == [0b00001001, 0b00000001]


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        ({"b": [1, 0]}, "masks of"),
        ({"a": [1]}, "2 bytes for 9 entries"),
        ({"a": [1, 0, 0]}, "2 bytes for 9 entries"),
        ({"a": [1, 2]}, "zeros behind its 9 entries"),
    ],
)
def test_bits_that_do_not_fit_are_refused(packed: dict[str, list[int]], reason: str) -> None:
    tensors = {name: torch.tensor(row, dtype=torch.uint8) for name, row in packed.items()}
    with pytest.raises(VerificationError, match=reason):
        Mask.unpack(tensors, {"a": (9,)})


def test_pruned_entries_become_plus_zero_whatever_they_were() -> None:
    mask = Mask({"a": torch.tensor([False, False, False, True])})
    state = {"a": torch.tensor([-1.0, float("nan"), -0.0, -0.0]), "bias": torch.tensor([7.0])}
    made = mask.applied_to(state)
    assert made["a"].tolist() == [0, 0, 0, 0]
    assert torch.signbit(made["a"]).tolist() == [False, False, False, True]
    assert made["bias"].tolist() == [7]
    assert state["a"][0] == -1


def test_equal_masks_are_equal_and_others_are_not() -> None:
    assert Mask.full({"a": (2,)}) == Mask.full({"a": (2,)})
    assert Mask.full({"a": (2,)}) != Mask.full({"a": (3,)})
    assert Mask.full({"a": (2,)}) != Mask.full({"b": (2,)})
    assert Mask.full({"a": (2,)}) != "a"
