"""Leaves out of a network what a mask has pruned: the same function, less work; trains nothing.

A pruned entry is zero and stays zero, so a training may do without it: where enough of the fully connected layers is
pruned, they are stored, multiplied and learnt as their kept entries alone, and are put back whole at the end.
"""

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.mask import Mask
from ticketing.models.sparse_linear import SparseLinear, at_hand
from ticketing.recipe import Precision


def density(vectors: str) -> float:
    """Say up to which share of kept entries a layer is lean: above it the dense product is as fast.

    Measured: with AVX2 by `benchmarks/lean_layers.py`, with AVX-512 on an earlier, dearer form of the sparse layer.

    Args:
        vectors: Instructions of the processor, as torch names them. They are part of what decides bits, so a training
            goes on on its like alone.
    """
    return 0.2 if vectors == "AVX512" else 0.1


DENSITY = density(torch.backends.cpu.get_cpu_capability())
WORTH_WHILE = 0.75
"""Share of the network's multiply-adds that is left at most: other kernels give other last bits, too dear for less."""


@dataclass(frozen=True)
class Lean:
    """A network with the pruned entries of some layers left out, and the way there and back."""

    module: nn.Module
    """Its parameters on the `meta` device."""
    mask: Mask
    """Of what is left in: vectors that keep everything for the layers that are lean."""
    left_in: Mapping[str, Bool[Tensor, "..."]]
    """The kept entries of every weight that is lean; none for a network that is left whole."""

    def as_trained(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take out of a whole state dict what is left in."""
        return {name: tensor[self.left_in[name]] if name in self.left_in else tensor for name, tensor in state.items()}

    def as_whole(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Put a state dict of what is left in back into whole tensors, zero where pruned."""
        grown = dict(state)
        for name, kept in self.left_in.items():
            grown[name] = state[name].new_zeros(kept.shape)
            grown[name][kept] = state[name]
        return grown


def lean(module: nn.Module, mask: Mask, layers: Collection[str], *, device: torch.device | str = "cpu") -> Lean:
    """Leave out what the mask has pruned in the given layers.

    Args:
        module: Of the whole network.
        mask: True = kept; pruned entries are zero.
        layers: Names of weights of fully connected layers, as `lean_layers` gives them.
        device: Where the network will be trained.
    """
    if not layers:
        return Lean(module, mask, {})
    smaller = deepcopy(module)
    for name in layers:
        layer = name.removesuffix(".weight")
        parent, _, own = layer.rpartition(".")
        bias = smaller.get_submodule(layer).bias is not None
        setattr(smaller.get_submodule(parent), own, SparseLinear(mask[name].to(device), bias=bias))
    left_in = {name: mask[name].cpu() for name in layers}
    everything = {name: torch.ones(mask.counts()[name], dtype=torch.bool) for name in layers}
    return Lean(smaller, Mask({name: everything.get(name, kept) for name, kept in mask.items()}), left_in)


def lean_layers(
    module: nn.Module, inventory: Inventory, mask: Mask, *, device: torch.device, precision: Precision
) -> list[str]:
    """Name the layers to train as their kept entries alone: those that are sparse enough, if that is worth while.

    Args:
        module: Of the whole network.
        inventory: Of the same.
        mask: True = kept.
        device: Where it will be trained.
        precision: What it will be trained in; lower ones have dense kernels alone.
    """
    if precision != "fp32" or not at_hand(device):
        return []
    found = [
        layer
        for layer in inventory.prunable
        if layer.parameter in mask
        and mask.counts()[layer.parameter] <= DENSITY * layer.entries
        and layer.parameter.endswith(".weight")
        and type(module.get_submodule(layer.name)) is nn.Linear
    ]
    names = [layer.parameter for layer in found]
    return names if multiply_adds(inventory, mask, names) <= WORTH_WHILE * inventory.multiply_adds else []


def multiply_adds(inventory: Inventory, mask: Mask, layers: Collection[str]) -> int:
    """Count the multiply-adds of one forward pass of one example where the given layers are lean."""
    kept = mask.counts()
    saved = sum(
        layer.multiply_adds - layer.multiply_adds * kept[layer.parameter] // layer.entries
        for layer in inventory.prunable
        if layer.parameter in layers
    )
    return inventory.multiply_adds - saved
