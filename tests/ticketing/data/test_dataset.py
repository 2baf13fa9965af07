"""ticketing.data.dataset: batches are the rows asked for, in the layout of the whole."""

import pytest
import torch

from ticketing.data.dataset import take


@pytest.mark.parametrize("shape", [(5,), (3, 4, 4), (1, 4, 4), (3, 1, 1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_takes_the_rows_in_the_layout_they_have(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    x = torch.randn(9, *shape)
    if len(shape) == 3:
        x = x.contiguous(memory_format=layout)
    rows = torch.tensor([4, 0, 8, 4])
    taken = take(x, rows)
    assert torch.equal(taken, x[rows])
    assert taken.is_contiguous(memory_format=layout if len(shape) == 3 else torch.contiguous_format)
