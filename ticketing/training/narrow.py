"""Leaves out of a network the channels that were removed, to be trained without them; chooses and trains nothing.

The same four things as `Lean`: a smaller module, and the way of a state there and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from ticketing.channels import Channels, Kept
from ticketing.channels.slimming import grown_state, slim_module, slim_state
from ticketing.mask import Mask


@dataclass(frozen=True)
class Narrow:
    """A network without the channels that were removed."""

    whole: nn.Module
    """Its tensors on the `meta` device, as those of the slim one."""
    channels: Channels
    kept: Kept
    mask: Mask = field(default_factory=lambda: Mask({}))
    """What is left in is dense."""

    @property
    def module(self) -> nn.Module:
        """The slim network."""
        return slim_module(self.whole, self.channels, self.kept)

    def begun(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the whole state that a training begins with: `state` without what makes the removed channels."""
        return grown_state(self.as_trained(state), state, self.channels, self.kept)

    def as_trained(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take the removed channels out of a whole state dict."""
        return slim_state(state, self.channels, self.kept)

    def as_whole(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Put a slim state dict back into whole tensors, zero where a channel was removed."""
        return grown_state(state, self.whole.state_dict(), self.channels, self.kept)
