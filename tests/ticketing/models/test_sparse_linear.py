"""ticketing.models.sparse_linear: function and gradients of the masked dense layer, of the kept entries alone."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ticketing.models import sparse_linear
from ticketing.models.sparse_linear import SparseLinear


def masked(kept: Tensor, *, bias: bool, seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    layer = nn.Linear(kept.shape[1], kept.shape[0], bias=bias)
    with torch.no_grad():
        layer.weight *= kept
    return layer


def sparse(layer: nn.Linear, kept: Tensor) -> SparseLinear:
    made = SparseLinear(kept, bias=layer.bias is not None)
    state = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    made.load_state_dict(state | {"weight": state["weight"][kept]}, strict=True, assign=True)
    return made


def passed(layer: nn.Module, x: Tensor, towards: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Give the output, and the gradients of input and parameters of its product with `towards`."""
    x = x.clone().requires_grad_()
    made = layer(x)
    return made, list(torch.autograd.grad((made * towards).sum(), [x, *layer.parameters()]))


@given(
    seed=st.integers(0, 10_000),
    out=st.integers(1, 9),
    into=st.integers(1, 9),
    batch=st.sampled_from([(1,), (5,), (2, 3)]),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    bias=st.booleans(),
)
def test_output_and_gradients_are_those_of_the_masked_dense_layer(
    seed: int, out: int, into: int, batch: tuple[int, ...], density: float, bias: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(out, into, generator=generator) < density
    x, towards = (torch.randn(*batch, width, generator=generator) for width in (into, out))
    dense = masked(kept, bias=bias, seed=seed)
    (expected, [of_x, of_weight, *of_bias]), (made, gradients) = (
        passed(dense, x, towards),
        passed(sparse(dense, kept), x, towards),
    )
    for one, other in zip([made, *gradients], [expected, of_x, of_weight[kept], *of_bias], strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=1e-5)


def test_without_the_products_the_function_is_computed_through_the_dense_matrix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = torch.rand(7, 5, generator=torch.Generator().manual_seed(0)) < 0.4
    layer = sparse(masked(kept, bias=True, seed=0), kept)
    x, towards = torch.randn(4, 5), torch.randn(4, 7)
    made, gradients = passed(layer, x, towards)
    monkeypatch.setattr(sparse_linear, "at_hand", lambda device: False)
    expected, others = passed(layer, x, towards)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip([made, *gradients], [expected, *others], strict=True))


def test_a_weight_is_read_where_it_is_and_a_copy_reads_its_own() -> None:
    kept = torch.tensor([[True, False], [True, True]])
    layer = sparse(masked(kept, bias=False, seed=0), kept)
    copy = deepcopy(layer)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
        copy.weight.zero_()
    assert torch.equal(layer(torch.tensor([[10.0, 1.0]])), torch.tensor([[10.0, 23.0]]))
    assert torch.equal(copy(torch.tensor([[10.0, 1.0]])), torch.zeros(1, 2))


def test_only_parameters_are_in_its_state() -> None:
    kept = torch.ones(3, 2, dtype=torch.bool)
    assert list(SparseLinear(kept, bias=True).state_dict()) == ["weight", "bias"]
