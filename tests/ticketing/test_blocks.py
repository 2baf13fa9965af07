"""ticketing.blocks: a weight laid out in blocks and back, and masks whose blocks do not keep as many."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.blocks import in_blocks, out_of_blocks, uneven
from ticketing.mask import Mask

SHAPES = st.sampled_from([(3, 8), (1, 4), (2, 8, 3, 3), (5, 4, 1, 2), (2, 12, 5)])


@given(SHAPES, st.sampled_from([2, 4]))
def test_a_weight_comes_back_from_its_blocks(shape: tuple[int, ...], block: int) -> None:
    weight = torch.arange(torch.Size(shape).numel()).reshape(shape)
    assert torch.equal(out_of_blocks(in_blocks(weight, block), shape), weight)


@given(SHAPES, st.sampled_from([2, 4]))
def test_a_block_is_consecutive_inputs_of_one_output_at_one_place(shape: tuple[int, ...], block: int) -> None:
    weight = torch.arange(torch.Size(shape).numel()).reshape(shape)
    places = list(product(*(range(length) for length in shape[2:])))
    expected = [
        [int(weight[(output, begin + at, *place)]) for at in range(block)]
        for output in range(shape[0])
        for place in places
        for begin in range(0, shape[1], block)
    ]
    assert in_blocks(weight, block).tolist() == expected


def test_the_columns_of_a_row_are_its_blocks() -> None:
    assert in_blocks(torch.arange(8).reshape(2, 4), 2).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


@pytest.mark.parametrize(
    ("kept", "odd"),
    [
        ([[1, 1, 0, 0], [0, 1, 0, 1]], []),
        ([[1, 1, 1, 0], [0, 1, 1, 1]], []),
        ([[1, 1, 1, 0], [0, 1, 0, 0]], ["w"]),
        ([[1, 1, 1, 1], [1, 1, 1, 1]], []),
        ([[0, 0, 0, 0], [0, 0, 0, 0]], []),
        ([[1, 0, 1], [1, 0, 1]], ["w"]),
        ([1, 0, 1, 0], ["w"]),
    ],
    ids=["2 of 4", "3 of 4", "as many in all, not in each", "whole", "empty", "no blocks", "no inputs"],
)
def test_a_parameter_whose_blocks_keep_other_numbers_is_named(kept: list[list[int]], odd: list[str]) -> None:
    mask = Mask({"w": torch.tensor(kept, dtype=torch.bool), "whole": torch.ones(3, 5, dtype=torch.bool)})
    assert uneven(mask, 4) == odd


def test_blocks_run_along_the_input_channels_of_a_kernel_and_not_along_its_places() -> None:
    along = torch.zeros(1, 4, 1, 4, dtype=torch.bool)
    along[:, :2] = True
    across = torch.zeros(1, 4, 1, 4, dtype=torch.bool)
    across[..., :2] = True
    assert (uneven(Mask({"w": along}), 4), uneven(Mask({"w": across}), 4)) == ([], ["w"])
