"""Removes channels for good: the same network, narrower, and the way back; chooses nothing."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from math import prod

import torch
from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.architectures.inventory import Layer, state_of
from ticketing.channels.channels import STAYS, Channels, Kept, stay
from ticketing.mask import Mask
from ticketing.models.resnet import PaddedShortcut


def slim_state(state: Mapping[str, Tensor], channels: Channels, kept: Kept) -> dict[str, Tensor]:
    """Take the removed channels out of a whole state dict."""
    return {name: _taken(name, tensor, channels, kept) for name, tensor in state.items()}


def grown_state(
    slim: Mapping[str, Tensor], like: Mapping[str, Tensor], channels: Channels, kept: Kept
) -> dict[str, Tensor]:
    """Put a slim state dict back into whole tensors, zero where a channel was removed, and variances there 1.

    Args:
        slim: As `slim_state` gives it.
        like: Any state dict of the whole network, for its shapes.
        channels: Of the whole network.
        kept: True = kept.
    """
    return {name: _grown(name, tensor, like[name].shape, channels, kept) for name, tensor in slim.items()}


def without(state: Mapping[str, Tensor], channels: Channels, kept: Kept) -> dict[str, Tensor]:
    """Zero in a whole state dict what makes the removed channels: filters, biases, scales and shifts of norms.

    The network then computes what the slim one does.
    """
    zeroed = {name: tensor.clone() for name, tensor in state.items()}
    for name, axis, along in channels.makers():
        zeroed[name].movedim(axis, 0)[~stay(along, kept)] = 0
    return zeroed


def weight_mask(channels: Channels, kept: Kept, shapes: Mapping[str, tuple[int, ...]]) -> Mask:
    """Give which entries of the weights are left: those whose every axis stays.

    Args:
        channels: Of the network.
        kept: True = kept.
        shapes: Of the weights, by name.
    """
    return Mask({name: _left(name, shape, channels, kept) for name, shape in shapes.items()})


def kept_of(channels: Channels, mask: Mask) -> Kept:
    """Read off a mask which channels stay: one is gone where no entry of its is left along some axis.

    The way back from `weight_mask`, wherever no weight is left with nothing.

    Args:
        channels: Of the network.
        mask: Of its weights.
    """
    kept = torch.ones(channels.count, dtype=torch.bool)
    for (name, axis), along in channels.axes.items():
        if name in mask:
            left = mask[name].movedim(axis, 0).flatten(1).any(1)
            kept[along[~left & (along != STAYS)]] = False
    return kept


def _left(name: str, shape: tuple[int, ...], channels: Channels, kept: Kept) -> Tensor:
    left = torch.ones(shape, dtype=torch.bool)
    for axis in range(len(shape)):
        along = channels.axes.get((name, axis))
        if along is not None:
            left.movedim(axis, 0)[~stay(along, kept)] = False
    return left


def slim_module(module: nn.Module, channels: Channels, kept: Kept) -> nn.Module:
    """Build the narrower network on the `meta` device."""
    slim = deepcopy(module)
    for name, part in slim.named_modules():
        for own, tensor in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
            taken = _taken(f"{name}.{own}" if name else own, tensor.detach(), channels, kept)
            is_parameter = isinstance(tensor, nn.Parameter)
            setattr(part, own, nn.Parameter(taken, requires_grad=tensor.requires_grad) if is_parameter else taken)
        _resized(name, part, channels, kept)
    return slim


def slim_inventory(inventory: Inventory, channels: Channels, kept: Kept) -> Inventory:
    """List the layers of the narrower network."""
    layers = tuple(_narrower(layer, channels, kept) for layer in inventory.layers)
    return replace(inventory, layers=layers, state=state_of(layers))


def _taken(name: str, tensor: Tensor, channels: Channels, kept: Kept) -> Tensor:
    for axis in range(tensor.dim()):
        index = channels.index(name, axis, kept)
        if index is not None:
            tensor = tensor.index_select(axis, index.to(tensor.device))
    return tensor


def _grown(name: str, tensor: Tensor, shape: torch.Size, channels: Channels, kept: Kept) -> Tensor:
    for axis, length in enumerate(shape):
        index = channels.index(name, axis, kept)
        if index is not None:
            larger = (*tensor.shape[:axis], length, *tensor.shape[axis + 1 :])
            empty = tensor.new_ones(larger) if name.endswith(".running_var") else tensor.new_zeros(larger)
            tensor = empty.index_copy_(axis, index.to(tensor.device), tensor)
    return tensor


def _resized(name: str, part: nn.Module, channels: Channels, kept: Kept) -> None:
    """Make what a module says of its own sizes agree with its tensors."""
    if isinstance(part, nn.Conv2d):
        depthwise = part.groups > 1
        part.out_channels = part.weight.shape[0]
        part.groups = part.out_channels if depthwise and part.weight.shape[1] == 1 else part.groups
        part.in_channels = part.weight.shape[1] * part.groups
    elif isinstance(part, nn.Linear):
        part.out_features, part.in_features = part.weight.shape
    elif isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d):
        part.num_features = part.weight.shape[0]
    elif isinstance(part, PaddedShortcut):
        part.before, part.behind = (int(stay(side, kept).sum()) for side in channels.pads[name])
    elif name in channels.heads:
        part.heads = int(stay(channels.heads[name], kept).sum())  # type: ignore[assignment]


def _narrower(layer: Layer, channels: Channels, kept: Kept) -> Layer:
    shape = list(layer.weight)
    for axis in range(len(shape)):
        index = channels.index(layer.parameter, axis, kept)
        if index is not None:
            shape[axis] = len(index)
    share = (prod(shape), prod(layer.weight))
    heads = channels.heads.get(layer.name)
    products = layer.products if heads is None else layer.products * int(stay(heads, kept).sum()) // len(heads)
    return replace(
        layer, weight=tuple(shape), multiply_adds=layer.multiply_adds * share[0] // share[1], products=products
    )
