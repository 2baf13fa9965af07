"""The small form of a masked state dict: bits and kept values instead of zeros; lossless; knows no files."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from ticketing.errors import VerificationError
from ticketing.mask import Mask

BITS, VALUES = ".bitmask", ".values"


def encode(state: Mapping[str, Tensor], mask: Mask) -> dict[str, Shaped[Tensor, "..."]]:
    """Write every masked parameter as `<name>.bitmask` and `<name>.values`, everything else as it is.

    The bits lie as `Mask.pack` lays them; the values are the kept entries in C order. What the mask removed is not
    looked at, so the state should hold zeros there.
    """
    packed = mask.pack()
    encoded: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name in mask:
            encoded[name + BITS] = packed[name]
            encoded[name + VALUES] = tensor.cpu()[mask[name]]
        else:
            encoded[name] = tensor
    return encoded


def decode(
    encoded: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, Shaped[Tensor, "..."]], Mask]:
    """Read back what `encode` wrote: the dense state dict, with +0.0 where pruned, and its mask.

    Args:
        encoded: All tensors of the file.
        shapes: Of the masked parameters, as the file's metadata lists them.

    Raises:
        VerificationError: A part is missing, or there are more or fewer values than bits set.
    """
    missing = [name + part for name in shapes for part in (BITS, VALUES) if name + part not in encoded]
    if missing:
        raise VerificationError(f"expected {missing[0]} in the sparse file, got {sorted(encoded)[:8]}")
    mask = Mask.unpack({name: encoded[name + BITS] for name in shapes}, shapes)
    parts = {name + part for name in shapes for part in (BITS, VALUES)}
    state = {name: tensor for name, tensor in encoded.items() if name not in parts}
    for name in shapes:
        values, kept = encoded[name + VALUES], mask[name]
        if values.shape != (mask.counts()[name],):
            raise VerificationError(f"{name}: expected {mask.counts()[name]} values, got {list(values.shape)}")
        state[name] = torch.zeros(kept.shape, dtype=values.dtype)
        state[name][kept] = values
    return state, mask


def same_bits(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Say whether two state dicts agree in names, shapes, types and every bit (so that -0.0 is not +0.0)."""
    return one.keys() == other.keys() and all(
        a.shape == other[name].shape and a.dtype == other[name].dtype and _bytes(a) == _bytes(other[name])
        for name, a in one.items()
    )


def _bytes(tensor: Tensor) -> bytes:
    return np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes()
