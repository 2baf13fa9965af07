"""What convolutions and pools make of an image's shape, and the rows they add to an inventory; knows no network."""

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

from ticketing.architectures.inventory import Layer


class Image(NamedTuple):
    """The shape of what flows between the layers of a convolutional network."""

    channels: int
    height: int
    width: int


Rows = tuple[tuple[Layer, ...], Image]
"""Layers in the order of the state dict, and the image they make."""
Block = Callable[[str, Image, int, int], Rows]
"""From its name, the image it reads, its width in channels and its stride."""


def conv(
    name: str,
    image: Image,
    out: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    padding: int | None = None,
    groups: int = 1,
    bias: bool = False,
) -> tuple[Layer, Image]:
    """Add a square convolution, each of its `groups` reading its own share of the channels.

    Left alone, the padding is half the kernel, so that only the stride makes the image smaller.
    """
    made = Image(out, *_slid(image, kernel, stride, kernel // 2 if padding is None else padding))
    weight = (out, image.channels // groups, kernel, kernel)
    return Layer(name, "conv", weight, bias, prod(weight) * made.height * made.width), made


def norm(name: str, image: Image) -> Layer:
    """Write the row of a batch norm over an image's channels."""
    return Layer(name, "norm", (image.channels,), True, 0)


def conv_norm(
    names: tuple[str, str],
    image: Image,
    out: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    bias: bool = False,
) -> Rows:
    """Add a convolution and the norm behind it; `names` are of the two."""
    layer, made = conv(names[0], image, out, kernel, stride=stride, groups=groups, bias=bias)
    return (layer, norm(names[1], made)), made


def pool(image: Image, window: int, *, stride: int | None = None, padding: int = 0) -> Image:
    """Give the image a square pool makes; it slides by its own width unless `stride` says other."""
    return Image(image.channels, *_slid(image, window, stride or window, padding))


def stages(image: Image, block: Block, *, widths: Sequence[int], counts: Sequence[int]) -> Rows:
    """Add stages `layer1`, `layer2`, ... of blocks; every stage but the first halves the image in its first block."""
    layers: tuple[Layer, ...] = ()
    for stage, (width, count) in enumerate(zip(widths, counts, strict=True), start=1):
        for number in range(count):
            stride = 2 if stage > 1 and number == 0 else 1
            rows, image = block(f"layer{stage}.{number}", image, width, stride)
            layers += rows
    return layers, image


def _slid(image: Image, window: int, stride: int, padding: int) -> tuple[int, int]:
    """Count the places a window has: `torch.nn.Conv2d` and `MaxPool2d` round down."""
    height, width = ((side + 2 * padding - window) // stride + 1 for side in (image.height, image.width))
    return height, width
