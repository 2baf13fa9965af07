"""The modules that convolutional networks share; knows no network."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Block = Callable[[int, int, int], nn.Module]
"""From the channels it reads, its width in channels and its stride."""


def convolution(
    into: int, out: int, kernel: int = 3, *, stride: int = 1, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """Make a square convolution padded by half its kernel, so that only its stride makes the image smaller."""
    of = Pointwise if kernel == 1 else nn.Conv2d
    return of(into, out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=bias)


class Pointwise(nn.Conv2d):
    """A 1x1 convolution that takes every `stride`-th pixel first and then mixes the channels of each.

    The same sums as `nn.Conv2d`, whose gradient of the weight is wrong, or writes past its memory, for a stride above
    1 on channels-last images of few channels (fewer than 8 or 16, by the processor; oneDNN issue 6035).
    """

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Mix the channels of the pixels that the stride leaves."""
        down, across = self.stride
        taken = x if down == across == 1 else x[:, :, ::down, ::across]
        return functional.conv2d(taken, self.weight, self.bias, groups=self.groups)


def stages(
    block: Block, into: int, *, widths: Sequence[int], counts: Sequence[int], expansion: int = 1
) -> dict[str, nn.Module]:
    """Make stages `layer1`, `layer2`, ... of blocks; every stage but the first halves the image in its first block.

    A block gives `expansion` times its width in channels.
    """
    made: dict[str, nn.Module] = {}
    for stage, (width, count) in enumerate(zip(widths, counts, strict=True), start=1):
        first = block(into, width, 2 if stage > 1 else 1)
        into = expansion * width
        made[f"layer{stage}"] = nn.Sequential(first, *[block(into, width, 1) for _ in range(count - 1)])
    return made


class Mean(nn.Module):
    """The mean over the image; not an adaptive pool, because its backward is deterministic on every device."""

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels"]:
        """Give the mean of each channel."""
        return x.mean((2, 3))


class AdaptiveMean(nn.Module):
    """What `torch.nn.AdaptiveAvgPool2d` computes, of slices: its backward is deterministic on every device."""

    def __init__(self, side: int) -> None:
        """Take the height and width of the images to make, whatever the size of those it reads."""
        super().__init__()
        self.side = side

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels side side"]:
        """Give the mean of each of the overlapping windows."""
        return self._along(self._along(x, 2), 3)

    def _along(self, x: Tensor, axis: int) -> Tensor:
        length = x.shape[axis]
        if length == self.side:
            return x
        # Window i holds the pixels from floor(i * length / side) to ceil((i + 1) * length / side).
        starts = [i * length // self.side for i in range(self.side)]
        ends = [-(-(i + 1) * length // self.side) for i in range(self.side)]
        windows = [
            x.narrow(axis, start, end - start).mean(axis, keepdim=True) for start, end in zip(starts, ends, strict=True)
        ]
        return torch.cat(windows, axis)
