"""8-bit block floating point with stochastic rounding, simulated in float32; knows no optimizer, no mask and no loss.

A block of numbers shares one exponent, each has a small integer of its own: k * 2^e, |k| <= 127. Every such number is
a float32 too, so tensors stay float32 and only ever hold such numbers (Yang et al. 2019, arXiv 1904.11943).
"""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ticketing.seeds import derive

BITS = 8
MANTISSA = 23
"""Bits of a float32 behind which its exponent stands."""
ROUNDLESS = (nn.Identity, nn.Flatten)
"""Modules that hand on what they were given: there is nothing to round."""


def quantised(
    x: Float32[Tensor, "*shape"], noise: Float32[Tensor, "*shape"], *, bits: int = BITS, axis: int | None = 0
) -> Float32[Tensor, "*shape"]:
    """Round to k * 2^e, up with the probability of what is cut off; a block with an inf or NaN stays as it is.

    With M the largest magnitude of a block, e = max(floor(log2 M) - bits + 2, -126); k is floor(x / 2^e) or one more
    and at most 2^(bits-1) - 1 either way. The mean over `noise` is x, to within 2^-24 of a step of 2^e; only what is
    larger than the largest k is cut to it. What has this form already comes back bit for bit, for every noise; zeros
    come back as +0.0. No result is a denormal number: below 2^-126 there is nothing but zero.

    Args:
        x: In any memory layout, which stays.
        noise: Uniform in [0, 1), from `torch.rand`.
        bits: Of an integer, its sign among them; 2 to 24.
        axis: Each slice along it is a block; None for one block of everything, as is what has no such axis.
    """
    within = [place for place in range(x.dim()) if place != axis]
    largest = x.abs().amax(within, keepdim=True) if within else x.abs()
    # Powers of two by their bits: no logarithm and no power of a library is exact on every device.
    exponent = (largest.view(torch.int32) >> MANTISSA) - (bits - 2)
    step = (exponent.clamp_(min=1) << MANTISSA).view(torch.float32)
    scaled = x / step
    integer = scaled.floor()
    # Adding the noise and rounding the sum down would round twice: a whole number could move.
    integer += noise < scaled.sub_(integer)
    most = 2 ** (bits - 1) - 1
    return torch.where(largest.isfinite(), integer.clamp_(-most, most).mul_(step), x)


class BlockFloating:
    """The arithmetic of a training all of whose tensors hold 8-bit block floating point.

    Blocks are the slices along the first axis: an example of an activation or of its gradient, an output unit of a
    weight, its gradient or its momentum, an entry of a bias or of a norm. The noise of an update depends on the seed,
    the update's number and the kind of device alone.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        """Stand before the first update.

        Args:
            seed: Of the training's order.
            device: Of everything to be rounded.
        """
        self._seed = seed
        self._generator = torch.Generator(device)
        self._generator.manual_seed(derive(seed, 0, "rounding", "start"))
        self._last: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of_training(cls, network: nn.Module, seed: int, *, optimizer: str) -> "BlockFloating":
        """Round the parameters of a network that is to be trained, and from now on what its modules hand on.

        Args:
            network: On its device.
            seed: Of the training's order.
            optimizer: Its name.

        Raises:
            ValueError: It is not sgd: where Adam's second moment is rounded to zero it divides by nothing.
        """
        if optimizer != "sgd":
            raise ValueError(f"expected sgd with block floating point, got {optimizer}")
        parameters = list(network.parameters())
        made = cls(seed, parameters[0].device)
        made.watch(network)
        with torch.no_grad():
            made.settle(parameters)
        return made

    def begin(self, step: int) -> None:
        """Draw the noise of update `step` from now on."""
        self._generator.manual_seed(derive(self._seed, 0, "rounding", step))

    def of(self, x: Float[Tensor, "..."]) -> Float32[Tensor, "..."]:
        """Round a tensor with the next noise; noise is drawn in the order of indices, whatever the memory layout.

        Raises:
            ValueError: It is no float32: another precision has rounded it already.
        """
        if x.dtype != torch.float32:
            raise ValueError(f"expected float32 to round to block floating point, got {x.dtype}")
        noise = torch.rand(x.shape, generator=self._generator, device=self._generator.device)
        return quantised(x, noise)

    def settle(self, tensors: Iterable[Tensor]) -> None:
        """Round tensors in place, under `torch.no_grad()`: weights and momentum after the update."""
        for tensor in tensors:
            tensor.copy_(self.of(tensor))

    def watch(self, network: nn.Module) -> list[RemovableHandle]:
        """Round what every module without children hands on in train mode, and on the way back its gradient.

        The logits alone stay as they are, and with them the gradient of the loss by them. Between modules (sums of
        shortcuts, products within attention) nothing is rounded, and in eval mode nothing at all.

        Returns:
            Handles that end it.
        """
        leaves = [module for module in network.modules() if not list(module.children())]
        watched = [leaf for leaf in leaves if not isinstance(leaf, ROUNDLESS)]
        return [
            *(leaf.register_forward_hook(self._hand_on) for leaf in watched),
            network.register_forward_hook(self._end),
        ]

    def _hand_on(self, module: nn.Module, _: Any, output: Tensor) -> Tensor | None:
        if not module.training:
            return None
        rounded: Tensor = _Rounded.apply(output, self)  # type: ignore[no-untyped-call]
        self._last = (rounded, output)
        return rounded

    def _end(self, _: nn.Module, __: Any, output: Tensor) -> Tensor | None:
        """Take back the rounding of what the last module made, if that is what the network gives: the logits."""
        last, self._last = self._last, None
        return last[1] if last is not None and output is last[0] else None


class _Rounded(torch.autograd.Function):
    """Rounds forward, and rounds the gradient backward as if forward had changed nothing (straight through)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, arithmetic: BlockFloating) -> Tensor:
        ctx.arithmetic = arithmetic
        return arithmetic.of(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.arithmetic.of(gradient), None
