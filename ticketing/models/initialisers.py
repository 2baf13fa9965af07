"""How the weight of one layer is drawn, by the word an architecture has for it; knows no network and no state dict."""

from collections.abc import Callable, Mapping
from math import prod, sqrt

import torch
from torch import Generator, Tensor, nn

from ticketing.architectures.architecture import Initialiser
from ticketing.architectures.inventory import Layer

CUT = 2.0
"""A truncated normal is drawn again beyond this many standard deviations of the whole one."""


def glorot_normal(layer: Layer, generator: Generator) -> Tensor:
    """Draw from the normal of variance 2 / (fan-in + fan-out) (Glorot & Bengio 2010, eq. 12 as a normal)."""
    out, into, *kernel = layer.weight
    return _normal(layer, sqrt(2 / ((out + into) * prod(kernel))), generator)


def kaiming_normal(layer: Layer, generator: Generator) -> Tensor:
    """Draw from the normal of variance 2 / fan (He et al. 2015): fan-out for convolutions, fan-in for linear layers."""
    out, into, *kernel = layer.weight
    return _normal(layer, sqrt(2 / (out * prod(kernel) if layer.kind == "conv" else into)), generator)


def normal(layer: Layer, generator: Generator) -> Tensor:
    """Draw from the normal of the layer's own deviation."""
    return _normal(layer, _deviation(layer), generator)


def truncated_normal(layer: Layer, generator: Generator) -> Tensor:
    """Draw from the normal of the layer's own deviation, cut at `CUT` deviations on either side."""
    deviation, drawn = _deviation(layer), torch.empty(layer.weight)
    return nn.init.trunc_normal_(drawn, std=deviation, a=-CUT * deviation, b=CUT * deviation, generator=generator)


INITIALISERS: Mapping[Initialiser, Callable[[Layer, Generator], Tensor]] = {
    "glorot_normal": glorot_normal,
    "kaiming_normal": kaiming_normal,
    "normal": normal,
    "truncated_normal": truncated_normal,
}


def _normal(layer: Layer, deviation: float, generator: Generator) -> Tensor:
    return torch.randn(layer.weight, generator=generator).mul_(deviation)


def _deviation(layer: Layer) -> float:
    assert layer.deviation is not None  # of every layer of an architecture with such a word
    return layer.deviation
