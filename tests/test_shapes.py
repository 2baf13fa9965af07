"""tests.shapes: what an annotation says of a tensor is checked in every test, whatever was called before it."""

import pytest
import torch
from jaxtyping import TypeCheckError

from tests.shapes import CALLS
from ticketing.channels.channels import stay

KEPT = torch.tensor([True, False])


@pytest.mark.parametrize("_", range(2))
def test_a_wrong_shape_is_told_at_the_first_call_of_a_test(_: int) -> None:
    with pytest.raises(TypeCheckError):
        stay(torch.zeros(2, 2, dtype=torch.int64), KEPT)
    for _call in range(CALLS):
        stay(torch.zeros(2, dtype=torch.int64), KEPT)
