"""Scores by lot: the control of every other criterion."""

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.criteria.candidates import Candidates


def random(candidates: Candidates) -> dict[str, Float[Tensor, "..."]]:
    """Uniform in [0, 1), from the candidates' seed (Zhou et al. 2019, table 1: `random`)."""
    generator = torch.Generator().manual_seed(candidates.seed)
    # In float64: float32 has 2^24 values between 0 and 1, so that entries by the hundred would tie.
    return {
        name: torch.rand(kept.shape, generator=generator, dtype=torch.float64)
        for name, kept in candidates.within.items()
    }
