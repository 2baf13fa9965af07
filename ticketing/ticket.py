"""A ticket: which weights stay, where they restart, and what they train to; knows neither searches nor files."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ticketing.mask import Mask


@dataclass(frozen=True)
class Ticket:
    """What a search hands back at one level. Both states are whole state dicts, +0.0 wherever the mask removed.

    Under a `pruned` other than zero both hold the same weights there instead.
    """

    level: int
    mask: Mask
    start: Mapping[str, Tensor]
    """The weights it restarts from."""
    trained: Mapping[str, Tensor]
    """The same network trained under the mask, at its minimum validation loss."""
