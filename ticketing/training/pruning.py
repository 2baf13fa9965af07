"""A mask that shrinks while one training goes on: after which updates, by what, and where it is; trains nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ticketing.mask import Mask

Draw = Callable[[int, Mapping[str, Float[Tensor, "..."]], Mask], Mask]
"""(updates made, masked weights on their device, mask so far) -> a mask within it."""


@dataclass
class Pruning:
    """Handed to one training, which asks after every update and goes on under the mask it is given."""

    at: Collection[int]
    """Numbers of updates after which entries go."""
    draw: Draw
    mask: Mask
    """The newest: what the training begins with, or stood at when it was saved."""

    def after(self, step: int, weights: Mapping[str, Float[Tensor, "..."]]) -> Mask | None:
        """Give the mask from an update on, if it is another one."""
        if step not in self.at:
            return None
        self.mask = self.draw(step, weights, self.mask)
        return self.mask
