"""How training images are changed in batches, where they lie; knows no labels and no network.

What happens to the images of an update depends on the seed and the update's number alone. It is drawn on the CPU for
a whole epoch, so that every device sees the same.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from ticketing.recipe import Augment
from ticketing.seeds import derive

Images = Float[Tensor, "batch channels height width"]


class Augmentation:
    """What is done to every batch of a training."""

    def __init__(self, augment: Augment, seed: int, *, per_epoch: int) -> None:
        """Draw nothing yet.

        Args:
            augment: Which changes.
            seed: Of the training's order.
            per_epoch: Updates in an epoch, all of equal batches.
        """
        self._flips = augment in ("flip", "flip_crop")
        self._crops = augment in ("crop", "flip_crop")
        self._cuts = augment == "cutout"
        self._seed = seed
        self._per_epoch = per_epoch
        self._epoch = -1

    def __call__(self, images: Images, step: int) -> Images:
        """Change the images of update `step`; they come as new tensors, in their own memory layout."""
        epoch, position = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            self._draw(epoch, images)
        batch = slice(position * len(images), (position + 1) * len(images))
        if self._flips:
            images = flipped(images, self._flipped[batch])
        if self._crops:
            images = cropped(images, self._corners[batch], padding=padding_of(images))
        if self._cuts:
            images = cut_out(images, self._centres[batch], side=hole_of(images))
        return images

    def _draw(self, epoch: int, images: Images) -> None:
        generator = torch.Generator().manual_seed(derive(self._seed, 0, "augment", epoch))
        n, (height, width), device = self._per_epoch * len(images), images.shape[2:], images.device
        places = 2 * padding_of(images) + 1
        if self._flips:
            self._flipped = torch.randint(2, (n,), generator=generator).bool().to(device)
        if self._crops:
            self._corners = torch.randint(places, (n, 2), generator=generator).to(device)
        if self._cuts:
            rows, columns = (torch.randint(size, (n,), generator=generator) for size in (height, width))
            self._centres = torch.stack([rows, columns], dim=1).to(device)
        self._epoch = epoch


def padding_of(images: Images) -> int:
    """Give the pixels that a crop pads each side with: an eighth of the smaller side, 4 of 32, at least 1."""
    return max(1, round(min(images.shape[2:]) / 8))


def hole_of(images: Images) -> int:
    """Give the side of the square that cutout blanks, in pixels: half of the smaller side, 16 of 32."""
    return max(1, min(images.shape[2:]) // 2)


def flipped(images: Images, chosen: Bool[Tensor, " batch"]) -> Images:
    """Mirror the chosen images left to right."""
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def cropped(images: Images, corners: Int64[Tensor, "batch 2"], *, padding: int) -> Images:
    """Pad each side with zeros and cut every image out again at its own corner (He et al. 2015, section 4.2).

    Zero is the mean of the train split, for the images are normalised.

    Args:
        images: Normalised.
        corners: Row and column of the upper left pixel in the padded image, 0 to 2 x padding; padding itself
            leaves the image where it was.
        padding: Pixels on each side.
    """
    n, channels, height, width = images.shape
    padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, *[padding] * 4)).contiguous()
    line = width + 2 * padding
    rows = torch.arange(height, device=images.device)[:, None] * line
    window = rows + torch.arange(width, device=images.device)
    first = torch.arange(n, device=images.device) * (height + 2 * padding) * line + corners[:, 0] * line + corners[:, 1]
    pixels = (first[:, None, None] + window).reshape(-1)
    made = padded.reshape(-1, channels).index_select(0, pixels).reshape(n, height, width, channels).permute(0, 3, 1, 2)
    return made if images.is_contiguous(memory_format=torch.channels_last) else made.contiguous()


def cut_out(images: Images, centres: Int64[Tensor, "batch 2"], *, side: int) -> Images:
    """Blank a square of every image with zeros; what reaches over the border is cut (DeVries & Taylor 2017).

    Args:
        images: Normalised: zero is the mean of the train split.
        centres: Row and column of the middle, or of the first pixel after it where the side is even.
        side: Of the square, in pixels.
    """
    height, width = images.shape[2:]
    before = side // 2
    rows = torch.arange(height, device=images.device) - centres[:, :1] + before
    columns = torch.arange(width, device=images.device) - centres[:, 1:] + before
    in_rows, in_columns = (rows >= 0) & (rows < side), (columns >= 0) & (columns < side)
    hole = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    # In place, into a copy: out of place the result would lie in the layout of the hole.
    return images.clone().masked_fill_(hole, 0)
