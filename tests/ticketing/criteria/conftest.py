"""Candidates of two parameters, with negative weights, weights that turned, and some that are no candidates."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ticketing.criteria import Candidates
from ticketing.mask import Mask

MakeCandidates = Callable[..., Candidates]


@pytest.fixture(scope="session")
def make_candidates() -> MakeCandidates:
    """Make candidates of what was said; what was not is drawn."""

    def make(
        initial: dict[str, Tensor] | None = None,
        trained: dict[str, Tensor] | None = None,
        *,
        gradients: dict[str, Tensor] | None = None,
        within: Mask | None = None,
        seed: int = 0,
    ) -> Candidates:
        generator = torch.Generator().manual_seed(seed)
        shapes: dict[str, Any] = {"b": (3, 5), "a": (40,)}
        drawn = initial or {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        after = trained or {name: w + 0.5 * torch.randn(w.shape, generator=generator) for name, w in drawn.items()}
        slopes = gradients or {name: torch.randn(w.shape, generator=generator) for name, w in drawn.items()}
        kept = within or Mask.full({name: tuple(w.shape) for name, w in drawn.items()})
        return Candidates(kept, drawn, after, seed, lambda: slopes)

    return make
