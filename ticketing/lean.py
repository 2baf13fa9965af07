"""Leaves out of a fully connected network what a mask has cut off: the same function, less work; trains nothing.

An input that no kept weight reads, and a hidden unit that no kept weight listens to, change no output and get no
gradient. Without weight decay they stay exactly where they are, so a training may do without them: rows and columns
of the weight matrices are left out, and put back as they were at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ticketing.mask import Mask
from ticketing.models.mlp import MLP, build_lean

WORTH_WHILE = 0.75
"""Share of the multiply-adds that are left at most: other shapes have other last bits, too dear for a small gain."""

Index = tuple[Tensor, ...]
"""Which positions of each axis of a tensor are left in."""


@dataclass(frozen=True)
class Lean:
    """A network with some of its units left out, and the way there and back."""

    module: nn.Module
    """Its parameters on the meta device."""
    mask: Mask
    """Of what is left in."""
    left_in: Mapping[str, Index]
    """Per entry of the state dict; none for a network that is left whole."""

    @property
    def multiply_adds(self) -> int | None:
        """Of one forward pass of one example; None for a network that is left whole."""
        return sum(kept.numel() for kept in self.mask.values()) if self.left_in else None

    def shrunk(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Take out of a whole state dict what is left in."""
        return {name: tensor[_grid(self.left_in.get(name, ()))].contiguous() for name, tensor in state.items()}

    def grown(self, state: Mapping[str, Tensor], *, whole: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Put a state dict of what is left in back into the whole one that it was taken from."""
        if not self.left_in:
            return dict(state)
        grown = {name: tensor.clone() for name, tensor in whole.items()}
        for name, tensor in state.items():
            grown[name][_grid(self.left_in[name])] = tensor
        return grown


def lean(module: nn.Module, mask: Mask, *, decays: bool, device: torch.device | str = "cpu") -> Lean:
    """Leave out what the mask has cut off, or nothing where that is not worth while.

    Args:
        module: Of the whole network; only `MLP` is known well enough, any other is left whole.
        mask: True = kept; pruned entries are zero.
        decays: Whether weights decay: then a unit that is cut off still changes, and only inputs are left out.
        device: Where the network will be trained.
    """
    whole = Lean(module, mask, {})
    layers = [name.removesuffix(".weight") for name in mask]
    if not isinstance(module, MLP) or layers != [name for name, _ in module.named_children()]:
        return whole
    alive = _alive(list(mask.values()), decays=decays)
    widths = [int(units.sum()) for units in alive]
    if 0 in widths or _multiply_adds(widths) > WORTH_WHILE * _multiply_adds([len(units) for units in alive]):
        return whole
    positions = [units.nonzero().reshape(-1) for units in alive]
    left_in: dict[str, Index] = {}
    for layer, (into, out) in zip(layers, pairwise(positions), strict=True):
        left_in |= {f"{layer}.weight": (out, into), f"{layer}.bias": (out,)}
    smaller = Mask({name: kept[_grid(left_in[name])] for name, kept in mask.items()})
    return Lean(build_lean(widths, inputs=positions[0].to(device)), smaller, left_in)


def _alive(masks: list[Bool[Tensor, "_ _"]], *, decays: bool) -> list[Bool[Tensor, " _"]]:
    """Mark the inputs, and the units of every layer, that are left in; input first. Every output is."""
    alive = [torch.ones(len(masks[-1]), dtype=torch.bool)]
    for number, kept in reversed(list(enumerate(masks))):
        heard = kept.cpu()[alive[0]].any(0)
        alive.insert(0, heard if number == 0 or not decays else torch.ones_like(heard))
    return alive


def _multiply_adds(widths: list[int]) -> int:
    return sum(into * out for into, out in pairwise(widths))


def _grid(index: Index) -> tuple[Tensor, ...]:
    return (index[0].unsqueeze(1), index[1]) if len(index) == 2 else index
