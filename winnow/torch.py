"""Puts tickets into your own torch module: weights under a mask, and a mask that training respects.

The only module of the client that imports torch.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ticketing.errors import VerificationError
from winnow import numpy as arrays

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
