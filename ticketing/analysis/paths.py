"""Which kept entries can matter: those on a path from an input that varies to an output; knows no training."""

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from ticketing.mask import Mask
from ticketing.subject import Subject, placed


def varying_inputs(x: Shaped[Tensor, "examples ..."]) -> Bool[Tensor, "..."]:
    """Mark the input values that are not the same in all examples, such as pixels that are not always background."""
    return (x != x[:1]).any(0)


def effective_counts(
    subject: Subject, mask: Mask, varying: Bool[Tensor, "..."], *, carrying: Mask | None = None
) -> dict[str, int] | None:
    """Count, per prunable parameter, the kept entries on a path of kept entries from a varying input to an output.

    The others cannot tell two examples apart: what they add is a constant. Every kept weight is set to 1, every bias
    to 0 and every norm to the identity; then outputs count paths, and an entry's gradient counts those through it
    (SynFlow's argument: Tanaka et al. 2020, arXiv 2006.05467, section 4). Behind a max pool the paths of the largest
    sum alone are followed, so the count there is a lower bound.

    Of a network with attention the answer is None, not known: its scores multiply two ways with each other, and its
    norms let every unit of a token change all others, so that paths no longer tell which entries matter.

    Args:
        subject: The network.
        mask: True = kept, of all its prunable parameters.
        varying: Of the shape of one example, as `varying_inputs` gives it.
        carrying: Entries a path may go through: the kept ones and those that hold a weight; None for the kept alone.
    """
    if any(layer.kind in ("attention", "layer_norm") for layer in subject.inventory.layers):
        return None
    passable = mask if carrying is None else carrying
    state = {name: _counting(name, tensor, passable) for name, tensor in subject.initial_state.items()}
    network = placed(subject.module, state, device="cpu").eval()
    weights = {name: parameter for name, parameter in network.named_parameters() if name in mask}
    paths = network(varying.cpu().to(torch.float64).unsqueeze(0)).sum()
    through = torch.autograd.grad(paths, list(weights.values()))
    return {name: int((count[mask[name].cpu()] > 0).sum()) for name, count in zip(weights, through, strict=True)}


def _counting(name: str, tensor: Tensor, mask: Mask) -> Tensor:
    if name in mask:
        return mask[name].to("cpu", torch.float64)
    if not tensor.is_floating_point():
        return torch.zeros_like(tensor)
    # Of a norm: weight and variance 1, bias and mean 0.
    identity = 1.0 if name.endswith((".weight", ".running_var")) else 0.0
    return torch.full(tensor.shape, identity, dtype=torch.float64)
