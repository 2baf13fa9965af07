"""Scores by the size of weights: Frankle & Carbin 2018; names as in Zhou et al. 2019, table 1."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor


def large_final(
    trained: Mapping[str, Tensor], initial: Mapping[str, Tensor], names: Sequence[str]
) -> dict[str, Float[Tensor, "..."]]:
    """Score an entry by its magnitude after training, whatever it was before."""
    return {name: trained[name].detach().abs() for name in names}
