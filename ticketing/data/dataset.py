"""A dataset as a training sees it: prepared tensors on the device, and how batches are taken from them."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Dataset:
    """Three splits as tensors, normalised, in the precision and memory layout they are trained in.

    `x` is (examples, features) or (examples, channels, height, width); `y` holds class numbers from 0. Of
    text an example is a window: `x` is (examples, context) int64, and so is `y`, the token after each of `x`.
    """

    x_train: Shaped[Tensor, "train ..."]
    y_train: Int64[Tensor, "train ..."]
    x_validation: Shaped[Tensor, "validation ..."]
    y_validation: Int64[Tensor, "validation ..."]
    x_test: Shaped[Tensor, "test ..."]
    y_test: Int64[Tensor, "test ..."]
    classes: int
    name: str
    fingerprint: str
    """sha256 of the canonical arrays."""
    mean: tuple[float, ...] = ()
    """What was taken from every channel or feature, in the units of the dataset; empty of tokens."""
    std: tuple[float, ...] = ()
    """What it was divided by then."""
    labels_changed: int = 0
    """Training labels that the recipe's label noise made wrong; no other split has any."""
    notes: tuple[str, ...] = ()
    """What a reader of the report must know of the splits, in whole sentences."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example."""
        return tuple(self.x_train.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.y_train.device


def take(x: Shaped[Tensor, "examples ..."], rows: Int64[Tensor, " batch"]) -> Shaped[Tensor, "batch ..."]:
    """Give the rows of `x` in the memory layout of `x`; indexing alone would lose channels-last."""
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return x.index_select(0, rows)
