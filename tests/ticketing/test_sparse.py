"""ticketing.sparse: lossless for every mask, zeros told apart, broken files refused."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.errors import VerificationError
from ticketing.mask import Mask
from ticketing.sparse import decode, encode, same_bits

STATE = {"fc.bias": torch.tensor([0.5]), "fc.weight": torch.tensor([[1.0, 0.0, -3.0]])}
MASK = Mask({"fc.weight": torch.tensor([[True, True, False]])})


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_every_masked_state_comes_back_bit_for_bit(kept: list[bool]) -> None:
    mask = Mask({"w": torch.tensor(kept)})
    state = mask.applied_to({"w": torch.randn(len(kept)), "b": torch.ones(2), "steps": torch.tensor(3)})
    decoded, read = decode(encode(state, mask), {"w": (len(kept),)})
    assert same_bits(decoded, state)
    assert read == mask


def test_a_kept_weight_that_is_zero_stays_kept() -> None:
    encoded = encode(MASK.applied_to(STATE), MASK)
    assert encoded["fc.weight.values"].tolist() == [1.0, 0.0]
    assert encoded["fc.weight.bitmask"].tolist() == [0b011]


def test_numpy_reads_the_bits_without_us() -> None:
    encoded = encode(STATE, MASK)
    bits = np.unpackbits(encoded["fc.weight.bitmask"].numpy(), count=3, bitorder="little")
    assert bits.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.pop("fc.weight.values"), "fc.weight.values"),
        (lambda e: e.update({"fc.weight.values": torch.ones(3)}), "expected 2 values"),
        (lambda e: e.update({"fc.weight.bitmask": torch.zeros(2, dtype=torch.uint8)}), "expected 1 bytes"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(change: Any, message: str) -> None:
    encoded = encode(STATE, MASK)
    change(encoded)
    with pytest.raises(VerificationError, match=message):
        decode(encoded, {"fc.weight": (1, 3)})


def test_the_two_zeros_are_equal_numbers_and_other_bits() -> None:
    plus, minus = {"w": torch.tensor([0.0])}, {"w": torch.tensor([-0.0])}
    assert torch.equal(plus["w"], minus["w"])
    assert not same_bits(plus, minus)


def test_states_of_other_names_or_types_are_not_the_same() -> None:
    one = {"w": torch.zeros(2)}
    assert not same_bits(one, {"v": torch.zeros(2)})
    assert not same_bits(one, {"w": torch.zeros(2, dtype=torch.int32)})
    assert same_bits(one, {"w": torch.zeros(2)})
