"""Scores by what training changed: Zhou et al. 2019, table 1."""

from jaxtyping import Float
from torch import Tensor

from ticketing.criteria.candidates import Candidates

Scores = dict[str, Float[Tensor, "..."]]


def magnitude_increase(candidates: Candidates) -> Scores:
    """|w_f| - |w_i|: how far training moved an entry away from zero; negative where it moved towards it."""
    return {name: final.abs() - initial.abs() for name, initial, final in candidates.pairs()}


def movement(candidates: Candidates) -> Scores:
    """|w_f - w_i|: how far training moved an entry, whichever way."""
    return {name: (final - initial).abs() for name, initial, final in candidates.pairs()}
