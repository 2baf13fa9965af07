"""What a control trains, and what of it equals the ticket; draws nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ticketing.mask import Mask
from ticketing.subject import Subject

Equal = Literal["layers", "total", "channels", "parameters"]


@dataclass(frozen=True)
class Drawn:
    """What a control trains."""

    subject: Subject
    """The ticket's, or a network of its own."""
    mask: Mask
    start: Mapping[str, Tensor]
    """Whole state dict, before the mask is applied."""
    full_schedule: bool
    """Whether it trains the schedule from 0, or the part of it that the ticket trains."""
    updates: int | None = None
    """How many it trains, with the whole schedule spread over them, where it is neither of the two."""
    equal: Equal = "layers"
    """What it has in common with the ticket: kept entries of every layer or in total, channels in total, or at most its
    parameters."""


Draw = Callable[..., Drawn]
"""(subject, ticket's mask, ticket's rewind point, seed=, replicate=, level=) -> what to train."""
