"""Which entries of a network stay: exact counts, distances, packed bits; knows no scores and no models."""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from ticketing.errors import InvariantError, VerificationError


class Mask(Mapping[str, Bool[Tensor, "..."]]):
    """One bool tensor per prunable parameter, True = kept. Immutable by agreement: nobody writes to its tensors.

    Raises:
        InvariantError: A tensor is not bool.
    """

    __slots__ = ("_kept", "_tensors")

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the tensors as they are, in mapping order."""
        for name, tensor in tensors.items():
            if tensor.dtype != torch.bool:
                raise InvariantError(f"expected a mask of bools for {name}, got {tensor.dtype}")
        self._tensors = dict(tensors)
        self._kept: dict[str, int] | None = None

    @classmethod
    def full(cls, shapes: Mapping[str, tuple[int, ...]]) -> "Mask":
        """Keep everything: level 0."""
        return cls({name: torch.ones(shape, dtype=torch.bool) for name, shape in shapes.items()})

    def __getitem__(self, name: str) -> Bool[Tensor, "..."]:
        """Give the mask of one parameter."""
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names in order."""
        return iter(self._tensors)

    def __len__(self) -> int:
        """Count the parameters."""
        return len(self._tensors)

    def __eq__(self, other: object) -> bool:
        """Compare names and every entry."""
        if not isinstance(other, Mask):
            return NotImplemented
        return self._tensors.keys() == other._tensors.keys() and all(
            torch.equal(tensor, other[name]) for name, tensor in self.items()
        )

    def __repr__(self) -> str:
        """Name the counts, not the bits."""
        return f"Mask({self.kept_count} of {self.total} kept in {len(self)} parameters)"

    def counts(self) -> dict[str, int]:
        """Count the kept entries of every parameter."""
        if self._kept is None:
            self._kept = {name: int(tensor.sum()) for name, tensor in self.items()}
        return dict(self._kept)

    @property
    def kept_count(self) -> int:
        """Kept entries of all parameters."""
        return sum(self.counts().values())

    @property
    def total(self) -> int:
        """Entries of all parameters."""
        return sum(tensor.numel() for tensor in self.values())

    @property
    def sparsity(self) -> float:
        """Fraction removed, in [0, 1]."""
        return 1 - self.density

    @property
    def density(self) -> float:
        """Fraction kept, in [0, 1]; an axis label, never an argument."""
        return self.kept_count / self.total

    def within(self, other: "Mask") -> bool:
        """Say whether every entry kept here is kept in `other`: nothing was revived."""
        self._check_comparable(other)
        return not any(bool((tensor & ~other[name]).any()) for name, tensor in self.items())

    def distance(self, other: "Mask") -> float:
        """Give the share of entries on which the two differ (Hamming distance over total), in [0, 1]."""
        self._check_comparable(other)
        return sum(int((tensor ^ other[name]).sum()) for name, tensor in self.items()) / self.total

    def applied_to(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Copy a state dict with every pruned entry +0.0, whatever it was (-0.0, NaN), and the rest untouched."""
        return {
            name: tensor.masked_fill(~self[name].to(tensor.device), 0) if name in self else tensor
            for name, tensor in state.items()
        }

    def to(self, device: torch.device | str) -> "Mask":
        """Give the same mask on a device."""
        return Mask({name: tensor.to(device) for name, tensor in self.items()})

    def pack(self) -> dict[str, UInt8[Tensor, " bytes"]]:
        """Write eight entries to a byte, C order, lowest bit first: `numpy.unpackbits(bitorder="little")` reads it."""
        return {
            name: torch.from_numpy(np.packbits(tensor.cpu().numpy().reshape(-1), bitorder="little"))
            for name, tensor in self.items()
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, UInt8[Tensor, " bytes"]], shapes: Mapping[str, tuple[int, ...]]) -> "Mask":
        """Read back what `pack` wrote.

        Raises:
            VerificationError: Other names than `shapes` has, another number of bytes, or bits behind the last entry.
        """
        if packed.keys() != shapes.keys():
            raise VerificationError(f"expected masks of {sorted(shapes)}, got {sorted(packed)}")
        return cls({name: _unpacked(name, packed[name], shape) for name, shape in shapes.items()})

    def _check_comparable(self, other: "Mask") -> None:
        mine, theirs = ({name: tuple(t.shape) for name, t in mask.items()} for mask in (self, other))
        if mine != theirs:
            raise InvariantError(f"expected two masks of the same parameters, got {mine} and {theirs}")


def _unpacked(name: str, packed: UInt8[Tensor, " bytes"], shape: tuple[int, ...]) -> Bool[Tensor, "..."]:
    entries = prod(shape)
    size = (entries + 7) // 8
    if packed.dtype != torch.uint8 or packed.shape != (size,):
        came = f"{packed.dtype} {list(packed.shape)}"
        raise VerificationError(f"{name}: expected {size} bytes for {entries} entries, got {came}")
    bits = np.unpackbits(packed.cpu().numpy(), bitorder="little")
    if bits[entries:].any():
        raise VerificationError(f"{name}: expected zeros behind its {entries} entries, got others")
    return torch.from_numpy(bits[:entries].astype(bool).reshape(shape))
