"""ticketing.analysis.kernel: equals what one computes by hand; kept weights alone; blocks change nothing."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ticketing.analysis.kernel import Spectrum, empirical_ntk, spectrum
from ticketing.mask import Mask
from ticketing.subject import placed


def linear(inputs: int, outputs: int) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    module = nn.Linear(inputs, outputs, bias=False)
    return module, {name: value.detach() for name, value in module.state_dict().items()}


@given(m=st.integers(1, 6), d=st.integers(1, 5), k=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_of_a_linear_model_it_is_the_gram_matrix_of_the_inputs(m: int, d: int, k: int) -> None:
    module, state = linear(d, k)
    x = torch.randn(m, d, generator=torch.Generator().manual_seed(m))
    kernel = empirical_ntk(module, state, Mask.full({"weight": (k, d)}), x)
    expected = torch.kron(x.double() @ x.double().T, torch.eye(k, dtype=torch.float64))
    torch.testing.assert_close(kernel, expected)
    assert spectrum(kernel, torch.zeros(m, dtype=torch.int64)).rank == k * min(m, d)


def test_pruned_weights_are_out_of_it() -> None:
    module, state = linear(3, 2)
    kept = torch.tensor([[True, False, True], [False, False, True]])
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    kernel = empirical_ntk(module, state, Mask({"weight": kept}), x)
    each = [(x * row).double() @ (x * row).double().T for row in kept]
    assert kernel[::2, ::2].equal(each[0])
    assert kernel[1::2, 1::2].equal(each[1])
    assert not kernel[::2, 1::2].any()


def by_hand(network: nn.Module, mask: Mask, x: torch.Tensor) -> torch.Tensor:
    """Differentiate logit by logit with plain autograd: slow and obvious."""
    rows = []
    for sample in x.double():
        for logit in network(sample[None])[0]:
            gradients = torch.autograd.grad(logit, list(network.parameters()), retain_graph=True)
            named = zip(dict(network.named_parameters()), gradients, strict=True)
            rows.append(torch.cat([(g * mask[n] if n in mask else g).reshape(-1) for n, g in named]))
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


@pytest.mark.parametrize("architecture", ["mlp", "conv-2", "resnet-20"])
def test_it_equals_plain_autograd_over_the_masked_network(make_subject: Any, architecture: str) -> None:
    arguments = {} if architecture == "mlp" else {"in_channels": 1, "input_size": [8, 8], "classes": 3}
    subject = make_subject(architecture, **arguments)
    generator = torch.Generator().manual_seed(0)
    mask = Mask({name: torch.rand(shape, generator=generator) < 0.3 for name, shape in subject.shapes.items()})
    state = mask.applied_to(subject.initial_state)
    x = torch.randn(2, *subject.inventory.input_shape, generator=generator)
    doubled = {name: value.double() if value.is_floating_point() else value for name, value in state.items()}
    network = placed(subject.module, doubled, device="cpu").eval()
    torch.testing.assert_close(empirical_ntk(subject.module, state, mask, x), by_hand(network, mask, x))


@pytest.mark.parametrize("block_bytes", [1, 20_000, 60_000])
def test_blocks_of_samples_give_the_whole(make_subject: Any, block_bytes: int) -> None:
    subject = make_subject()
    mask, x = Mask.full(subject.shapes), torch.randn(7, 8, generator=torch.Generator().manual_seed(1))
    whole = empirical_ntk(subject.module, subject.initial_state, mask, x)
    blocks = empirical_ntk(subject.module, subject.initial_state, mask, x, block_bytes=block_bytes)
    torch.testing.assert_close(blocks, whole)


def test_the_figures_of_a_spectrum_one_can_check_by_eye() -> None:
    two = torch.diag(torch.tensor([2.0, 2.0, 0.0, 0.0], dtype=torch.float64))
    found = spectrum(two, torch.tensor([0, 1]))
    assert (found.rank, found.effective_rank) == (2, 2.0)
    # y = (1/2, -1/2, -1/2, 1/2): half of it lies in the kernel's range, and |Theta| = 2 sqrt(2).
    assert found.label_alignment == pytest.approx(2 * 0.5 / (2 * 2**0.5))


def test_a_kernel_that_is_the_labels_is_aligned_with_them() -> None:
    y = torch.tensor([0.5, -0.5, -0.5, 0.5], dtype=torch.float64)
    found = spectrum(torch.outer(y, y), torch.tensor([0, 1]))
    assert (found.rank, found.label_alignment) == (1, pytest.approx(1.0))


def test_an_eigenvalue_counts_from_as_many_epsilons_as_the_kernel_has_rows() -> None:
    epsilon = torch.finfo(torch.float64).eps
    values = torch.tensor([1.0, 6 * epsilon, 2 * epsilon, 0.0], dtype=torch.float64)
    assert spectrum(torch.diag(values), torch.tensor([0, 1])).rank == 2


@given(seed=st.integers(0, 1000))
def test_an_effective_rank_is_between_one_and_the_rows_whatever_the_rounding(seed: int) -> None:
    jacobian = torch.randn(6, 1 + seed % 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = spectrum(jacobian @ jacobian.T, torch.tensor([0, 1, 1]))
    assert 1 <= found.effective_rank <= 6


def test_a_network_that_nothing_moves_has_a_spectrum_of_zeros() -> None:
    assert spectrum(torch.zeros(4, 4, dtype=torch.float64), torch.tensor([0, 1])) == Spectrum(0, 0.0, 0.0)


class _Counted(nn.Linear):
    """Counts how often it runs forward, in a list that copies share."""

    def __init__(self) -> None:
        super().__init__(3, 2, bias=False)
        self.runs = list[int]()

    def __deepcopy__(self, memo: Any) -> "_Counted":
        copy = _Counted()
        copy.runs = self.runs
        return copy

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.runs.append(1)
        return super().forward(x)


def test_a_block_of_the_jacobian_is_no_larger_than_it_may_be() -> None:
    module = _Counted()
    state = {name: value.detach() for name, value in module.state_dict().items()}
    of_a_sample = 8 * 6 * 2  # bytes, parameters, outputs
    empirical_ntk(module, state, Mask.full({"weight": (2, 3)}), torch.ones(6, 3), block_bytes=2 * of_a_sample)
    assert len(module.runs) == 1 + (1 + 2 + 3)  # once for the outputs; three blocks, and those before each again
