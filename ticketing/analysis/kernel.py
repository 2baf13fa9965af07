"""The empirical neural tangent kernel of a network on a few samples, and figures of its spectrum; trains nothing.

Theta[(i, a), (j, b)] = sum over kept parameters p of d f_a(x_i) / d p * d f_b(x_j) / d p  (Jacot et al. 2018,
arXiv 1806.07572, eq. 5, at finite width), of the logits f in eval mode. Computed in float64: ranks are read off it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn
from torch.nn import functional

from ticketing.mask import Mask
from ticketing.subject import placed

BLOCK_BYTES = 256 << 20
"""Of one block of the Jacobian, pruned entries included; two are held at a time, and what is needed to make one."""


@dataclass(frozen=True)
class Spectrum:
    """What is read off a kernel of m samples and K outputs."""

    rank: int
    """Eigenvalues above the largest times m K machine epsilons; m K says that these samples can be fitted, no more."""
    effective_rank: float
    """(sum lambda)^2 / sum lambda^2, from 1 to m K."""
    label_alignment: float
    """<Theta, y y^T> / (|Theta| |y|^2), in [0, 1]: y holds the one-hot classes less 1 / K (Cristianini et al. 2001)."""


def empirical_ntk(
    module: nn.Module,
    state: Mapping[str, Tensor],
    mask: Mask,
    x: Float[Tensor, "samples ..."],
    *,
    block_bytes: int = BLOCK_BYTES,
) -> Float64[Tensor, "rows rows"]:
    """Compute the kernel over kept weights and everything that is not prunable; rows run sample by sample.

    The Jacobian is made in blocks of samples and made again for every pair of blocks, so that memory stays bounded
    whatever the network: some five times `block_bytes`, for autograd holds a block twice while it is made.

    Args:
        module: The network; it is copied.
        state: Whole state dict, pruned entries zero.
        mask: True = kept.
        x: Samples, on the device to compute on.
        block_bytes: Of a block of the Jacobian.
    """
    doubled = {name: value.double() if value.is_floating_point() else value for name, value in state.items()}
    network = placed(module, doubled, device=x.device).eval()
    samples = x.double()
    with torch.no_grad():
        outputs = network(samples[:1]).shape[1]
    kept = {name: mask[name].reshape(-1).nonzero().reshape(-1).to(x.device) for name in mask}
    # Autograd differentiates by whole tensors; only then can pruned entries be left out.
    row_bytes = 8 * sum(parameter.numel() for parameter in network.parameters())
    at_once = max(1, block_bytes // (row_bytes * outputs))
    blocks = list(torch.split(samples, at_once))
    kernel = torch.empty(len(samples) * outputs, len(samples) * outputs, dtype=torch.float64, device=x.device)
    edges = [index * at_once * outputs for index in range(len(blocks))]
    for i, rows in enumerate(blocks):
        left = _jacobian(network, rows, kept)
        for j in range(i + 1):
            right = left if j == i else _jacobian(network, blocks[j], kept)
            part = left @ right.T
            kernel[edges[i] : edges[i] + len(left), edges[j] : edges[j] + len(right)] = part
            kernel[edges[j] : edges[j] + len(right), edges[i] : edges[i] + len(left)] = part.T
    return kernel


def spectrum(kernel: Float64[Tensor, "rows rows"], y: Int64[Tensor, " samples"]) -> Spectrum:
    """Read rank, effective rank and label alignment off a kernel.

    Args:
        kernel: As `empirical_ntk` gives it.
        y: Classes of the samples.
    """
    outputs = len(kernel) // len(y)
    values = torch.linalg.eigvalsh(kernel).clamp(min=0)
    floor = values.max() * len(kernel) * torch.finfo(torch.float64).eps
    squares = values.square().sum()
    labels = (functional.one_hot(y, outputs).double() - 1 / outputs).reshape(-1)
    aligned = (labels @ kernel @ labels) / (torch.linalg.matrix_norm(kernel) * labels.square().sum())
    return Spectrum(
        rank=int((values > floor).sum()),
        effective_rank=float(values.sum().square() / squares) if squares > 0 else 0.0,
        label_alignment=float(aligned) if squares > 0 else 0.0,
    )


def _jacobian(
    network: nn.Module, x: Float64[Tensor, "samples ..."], kept: Mapping[str, Tensor]
) -> Float64[Tensor, "rows parameters"]:
    """Differentiate every logit of every sample by the kept parameters."""
    # Imported late: it takes a second, and only a recipe that asks for the probe needs it.
    from torch.func import functional_call, jacrev, vmap

    parameters = {name: parameter.detach() for name, parameter in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def logits(values: dict[str, Tensor], sample: Tensor) -> Tensor:
        made: Tensor = functional_call(network, (values, buffers), (sample[None],))[0]
        return made

    made = vmap(jacrev(logits), in_dims=(None, 0))(parameters, x)
    flat = {name: jacobian.flatten(0, 1).flatten(1) for name, jacobian in made.items()}
    return torch.cat([j[:, kept[name]] if name in kept else j for name, j in flat.items()], dim=1)
