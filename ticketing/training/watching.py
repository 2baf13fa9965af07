"""A training that is looked at on the way: what a look may ask of it, and the pull that some weights are under."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Seen(NamedTuple):
    """What a look asks of the training."""

    capture: bool = False
    """Keep a copy of the state as it is."""
    end: bool = False
    """End here."""


@dataclass(frozen=True)
class Watch:
    """Handed to one training, which shows some of its weights after every so many updates."""

    every: int
    """Updates between looks."""
    names: tuple[str, ...]
    """Of the weights that are shown."""
    look: Callable[[int, Mapping[str, Float[Tensor, "..."]]], Seen]
    """(updates made, the weights, detached, on their device) -> what to do."""
    pull: float = 0.0
    """Strength of an L1 term over the weights that are shown: pull * sign(w) is added to their gradients (Liu et al.
    2017, arXiv 1708.06519, equation 1)."""

    def after(self, step: int, parameters: Mapping[str, Tensor]) -> Seen:
        """Look, if it is time."""
        if step % self.every:
            return Seen()
        return self.look(step, {name: parameters[name].detach() for name in self.names})

    def add_pull(self, gradients: Mapping[str, Tensor], parameters: Mapping[str, Tensor]) -> None:
        """Add the gradient of the L1 term, in place; that of a weight at 0 is 0."""
        if self.pull:
            signs = [parameters[name].detach().sign() for name in self.names]
            torch._foreach_add_([gradients[name] for name in self.names], signs, alpha=self.pull)
