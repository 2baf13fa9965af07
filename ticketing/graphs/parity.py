"""Whether a graph computes what the network does: the largest difference of their logits beside what is allowed."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ticketing.errors import VerificationError

TOLERANCE = 1e-4
"""Of the largest logit in magnitude: folded norms and other kernels add in another order."""
EXAMPLES = 32


@dataclass(frozen=True)
class Parity:
    """How far the logits of a graph lie from those of the network it was made of."""

    examples: int
    largest_difference: float
    tolerance: float
    """`TOLERANCE` times the largest logit in magnitude, at least `TOLERANCE`."""


def parity(network: nn.Module, run: Callable[[Tensor], Tensor], x: Tensor, *, name: str) -> Parity:
    """Compare a graph with its network on a batch.

    Args:
        network: In eval mode, on the CPU.
        run: Gives the graph's logits.
        x: The batch.
        name: Of the graph's file.

    Raises:
        VerificationError: They differ by more than the tolerance, or the graph's are not finite.
    """
    with torch.inference_mode():
        expected, came = network(x), run(x)
    tolerance = TOLERANCE * max(1.0, float(expected.abs().max()))
    difference = float((came - expected).abs().max()) if came.shape == expected.shape else float("nan")
    if not difference <= tolerance:
        raise VerificationError(
            f"{name}: expected the logits of the network within {tolerance:.3g}, got a difference of {difference:.3g}"
        )
    return Parity(len(x), difference, tolerance)
