"""The running average of a network's weights over its updates; knows no optimizer and no mask."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ticketing.subject import placed
from ticketing.training.state import copy_into


class Average:
    """A second network whose weights follow those of the first: after every update, d a + (1 - d) w.

    It starts as the network starts, so an entry that is zero throughout is zero in the average, exactly. Statistics
    of norms are averaged like weights; counters are copied.
    """

    def __init__(self, module: nn.Module, start: Mapping[str, Tensor], *, decay: float, of: nn.Module) -> None:
        """Start at `start`.

        Args:
            module: As `of` was made from.
            start: Whole state dict.
            decay: d, in (0, 1).
            of: The network to follow; its tensors must stay the same ones.
        """
        device = next(of.parameters()).device
        self.network = placed(module, start, device=device)
        self._own = self.network.state_dict()
        pairs = [(mine, of.state_dict()[name]) for name, mine in self._own.items()]
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._step = 1 - decay

    def follow(self) -> None:
        """Take in the network as it is after an update."""
        torch._foreach_lerp_([own for own, _ in self._averaged], [new for _, new in self._averaged], self._step)
        for own, new in self._copied:
            own.copy_(new)

    def mask(self, name: str, mask: Tensor) -> None:
        """Multiply an averaged weight by a mask: an entry that was pruned has no past."""
        self._own[name].mul_(mask)

    def state(self) -> dict[str, Tensor]:
        """Give the averaged weights and buffers by name: the tensors themselves, not copies."""
        return dict(self._own)

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave.

        Raises:
            CheckpointError: Other names or shapes.
        """
        copy_into(self._own, saved, what="averaged weights")
