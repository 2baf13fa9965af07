"""Lets layers learn how much each of their inputs counts while a network trains, and folds that into their weights.

The same four things as `Lean` and `Narrow`: the module that trains, and the way of a state there and back.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from torch import Tensor, nn

from ticketing.channels.scales import SCALE
from ticketing.mask import Mask
from ticketing.models.scaled_linear import ScaledLinear, spread


@dataclass(frozen=True)
class Scaled:
    """A network some of whose fully connected layers have a scale for every run of their inputs."""

    whole: nn.Module
    """Its tensors on the `meta` device."""
    counts: Mapping[str, int]
    """As `Scales.learned` has them: by name, how many there are."""
    mask: Mask = field(default_factory=lambda: Mask({}))
    """Nothing is pruned."""

    @property
    def module(self) -> nn.Module:
        """The network with its scales."""
        scaled = deepcopy(self.whole)
        for name, count in self.counts.items():
            parent, _, own = name.removesuffix(SCALE).rpartition(".")
            layer = getattr(scaled.get_submodule(parent), own)
            sizes = (layer.in_features, layer.out_features)
            setattr(scaled.get_submodule(parent), own, ScaledLinear(*sizes, bias=layer.bias is not None, scales=count))
        return scaled

    def as_trained(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Put scales of 1 into a whole state dict: the same function."""
        return dict(state) | {name: state[_weight(name)].new_ones(count) for name, count in self.counts.items()}

    def as_whole(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Fold the scales into the weights that read through them: the same function, as a whole state dict."""
        folded = {name: tensor for name, tensor in state.items() if name not in self.counts}
        for name in self.counts:
            weight = state[_weight(name)]
            folded[_weight(name)] = weight * spread(state[name], weight.shape[1])
        return folded


def _weight(scale: str) -> str:
    return scale.removesuffix(SCALE) + ".weight"
