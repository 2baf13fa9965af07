"""Scores by the gradient of the training loss at w_i, whatever training made of it."""

from jaxtyping import Float
from torch import Tensor

from ticketing.criteria.candidates import Candidates

Scores = dict[str, Float[Tensor, "..."]]


def snip(candidates: Candidates) -> Scores:
    """|g w_i|, g = dL/dw at w_i: the connection sensitivity of Lee et al. 2018 (arXiv 1810.02340, eq. 4-5).

    Their score is divided by its sum over all entries, which changes no order and is left out.
    """
    gradients = candidates.gradients
    return {name: (gradients[name] * initial).abs() for name, initial, _ in candidates.pairs()}


def gradient(candidates: Candidates) -> Scores:
    """|g|, g = dL/dw at w_i: how fast the loss changes with an entry, whatever its size."""
    return {name: candidates.gradients[name].abs() for name in candidates.within}
