"""Puts tickets into your own torch module: weights under a mask, and a mask that training respects.

The only module of the client that imports torch.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.hooks import RemovableHandle

from ticketing.errors import VerificationError
from ticketing.slim import Slim
from winnow import numpy as arrays
from winnow.sizes import called, of_heads, of_pad, refuse_others

Masks = Mapping[str, Tensor]


def read_mask(path: Path | str) -> dict[str, Tensor]:
    """Read `mask.safetensors`: per parameter a bool tensor, True = kept."""
    return {name: torch.from_numpy(kept) for name, kept in arrays.read_mask(path).items()}


def read_sparse(path: Path | str) -> dict[str, Tensor]:
    """Read `sparse.safetensors` as a state dict of dense tensors, zeros where pruned."""
    return {name: torch.from_numpy(value) for name, value in arrays.read_sparse(path).items()}


def load_sparse(module: nn.Module, path: Path | str) -> dict[str, Tensor]:
    """Load `sparse.safetensors` into a module of the same keys and shapes, and give the mask it holds.

    Raises:
        VerificationError: A key is missing, unknown, or of another shape; the module is then unchanged.
    """
    state, own = read_sparse(path), module.state_dict()
    odd = sorted(state.keys() ^ own.keys()) or [n for n in own if own[n].shape != state[n].shape]
    if odd:
        raise VerificationError(f"expected the module and {Path(path).name} to agree, but these differ: {odd[:8]}")
    module.load_state_dict(state)
    return {name: torch.from_numpy(kept) for name, kept in arrays.read_sparse_mask(path).items()}


def load_slim(module: nn.Module, folder: Path | str) -> None:
    """Make a module of the whole network as narrow as a slim ticket, in place, and load the ticket into it.

    The module may be of your own class: what counts are its keys and shapes. One that is narrow already is loaded.
    Its narrower parameters are new ones: make the optimizer, and hold masks, afterwards.

    Args:
        module: Where channels go, its layers are `nn.Conv1d/2d/3d`, `nn.Linear` and batch norms, or of a class of
            yours; one that attends has its heads in an attribute that `winnow.sizes.HEADS` lists, and one that pads
            channels with zeros how many in `before` and `behind`.
        folder: With `slim.safetensors` and `slim.json`.

    Raises:
        VerificationError: The files disagree, the module is of another network, or a part of it cannot be made
            narrower; the module is then unchanged.
    """
    state, slim = arrays.read_slim(folder)
    for change in _changes(module, slim):
        setattr(*change)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})


def apply_mask(module: nn.Module, mask: Masks) -> None:
    """Set every removed weight of a module to zero, whatever it held.

    Raises:
        VerificationError: The module has no parameter of that name and shape; it is then unchanged.
    """
    parameters = _masked(module, mask)
    with torch.no_grad():
        for parameter, kept in parameters:
            parameter.masked_fill_(~kept.to(parameter.device), 0)


def hold_mask(module: nn.Module, mask: Masks) -> Callable[[], None]:
    """Apply a mask and keep it through training: removed weights get no gradient, so that they stay zero.

    For tickets whose removed weights are zero (`pruned: zero`); others lose what these hold.
    Make the optimizer afterwards: momentum gathered before would still move removed weights. Weight decay does not.

    Returns:
        A function that lets go of the mask.

    Raises:
        VerificationError: As `apply_mask`.
    """
    apply_mask(module, mask)
    hooks = [_hook(parameter, kept) for parameter, kept in _masked(module, mask)]

    def let_go() -> None:
        for hook in hooks:
            hook.remove()

    return let_go


def _masked(module: nn.Module, mask: Masks) -> list[tuple[nn.Parameter, Tensor]]:
    parameters = dict(module.named_parameters())
    odd = [name for name, kept in mask.items() if name not in parameters or parameters[name].shape != kept.shape]
    if odd:
        raise VerificationError(f"expected parameters of the mask's names and shapes, but these differ: {odd[:8]}")
    return [(parameters[name], kept) for name, kept in mask.items()]


def _hook(parameter: nn.Parameter, kept: Tensor) -> RemovableHandle:
    removed = ~kept.to(parameter.device)
    # Filled, not multiplied: a gradient that is infinite where nothing is kept must not become NaN.
    register: Callable[[Callable[[Tensor], Tensor]], RemovableHandle] = parameter.register_hook
    return register(lambda gradient: gradient.masked_fill(removed, 0))


class _Change(NamedTuple):
    """A new value of an attribute of a part of a module."""

    part: nn.Module
    attribute: str
    value: int | Tensor


def _changes(module: nn.Module, slim: Slim) -> list[_Change]:
    """List what makes a module narrower, having changed nothing; nothing if it is narrow already."""
    own = module.state_dict(keep_vars=True)
    if odd := sorted(own.keys() ^ slim.tensors.keys()):
        raise VerificationError(f"expected the module and the slim ticket to have the same keys, but not {odd[:8]}")
    if all(list(own[name].shape) == taken.slim for name, taken in slim.tensors.items()):
        return []
    for name, taken in slim.tensors.items():
        if list(own[name].shape) != taken.whole:
            raise VerificationError(f"{name}: expected the whole network's {taken.whole}, got {list(own[name].shape)}")
    changes: list[_Change] = []
    owners: dict[str, nn.Module] = {}
    for name, taken in slim.tensors.items():
        if taken.kept:
            owner, _, attribute = name.rpartition(".")
            part = _part(module, owner)
            if getattr(part, attribute, None) is not own[name]:
                raise VerificationError(f"{name}: expected an attribute of {owner} that is it, got another")
            changes.append(_Change(part, attribute, _emptied(own[name], taken.slim)))
            owners[owner] = part
    sizes = [(name, _sizes(name, part, slim)) for name, part in owners.items()]
    sizes += [(name, of_heads(name, _part(module, name), slim)) for name in slim.narrower_heads]
    sizes += [(name, of_pad(name, _part(module, name), slim.pads[name])) for name in slim.narrower_pads]
    return changes + [_Change(_part(module, name), key, size) for name, part in sizes for key, size in part.items()]


def _sizes(name: str, part: nn.Module, slim: Slim) -> Mapping[str, int]:
    """Give what a layer says of its own sizes, as it must be with its narrower tensors."""
    own = {key.rpartition(".")[2]: taken for key, taken in slim.tensors.items() if key.rpartition(".")[0] == name}
    if isinstance(part, nn.Linear):
        return dict(zip(("out_features", "in_features"), own["weight"].slim, strict=True))
    if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        if part.groups > 1 and own["weight"].whole[:2] != [part.groups, 1]:
            raise VerificationError(f"{called(name, part)} cannot be made narrower: it is in {part.groups} groups")
        out, into = own["weight"].slim[:2]
        groups = out if part.groups > 1 else 1
        return {"out_channels": out, "in_channels": into * groups, "groups": groups}
    if isinstance(part, _BatchNorm):
        return {"num_features": next(taken.slim[0] for taken in own.values() if taken.slim)}
    bases = [base.__name__ for base in type(part).__mro__ if base.__module__.startswith("torch.")]
    if bases != ["Module"]:
        raise VerificationError(f"{called(name, part)} cannot be made narrower: nothing is known of {bases[0]}")
    refuse_others(name, part, own.values())
    return {}


def _part(module: nn.Module, name: str) -> nn.Module:
    try:
        return module.get_submodule(name)
    except AttributeError:
        raise VerificationError(f"expected the module to have a part {name}, got none") from None


def _emptied(tensor: Tensor, shape: list[int]) -> Tensor:
    """Make a tensor of another shape that lies in memory as this one does."""
    made = torch.empty_like(tensor.detach()[tuple(slice(length) for length in shape)])
    return nn.Parameter(made, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
