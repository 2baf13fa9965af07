"""Small convolutional networks without norms: `conv-2/4/6` (Frankle & Carbin 2018, figure 2) and `lenet-5`."""

from functools import partial
from math import prod
from typing import Any

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import Conv4Arguments, Conv6Arguments, ImageArguments, LeNet5Arguments
from ticketing.architectures.images import Image, conv, pool
from ticketing.architectures.inventory import Layer
from ticketing.architectures.mlp import RATE, TRAINING, linear_layers

STAGE_WIDTHS = (64, 128, 256)
"""Of `conv-2/4/6`: each stage is two convolutions and a 2x2 max pool."""
LENET_5_WIDTHS = (20, 50)
"""Of the two convolutions of `lenet-5`, 5x5 without padding, each before a 2x2 max pool."""


def _conv_layers(arguments: ImageArguments, *, stages: int) -> tuple[Layer, ...]:
    image, layers = Image(*arguments.input_shape), list[Layer]()
    for width in STAGE_WIDTHS[:stages]:
        for _ in range(2):
            layer, image = conv(f"conv{len(layers) + 1}", image, width, bias=True)
            layers.append(layer)
        image = pool(image, 2)
    return (*layers, *linear_layers((prod(image), 256, 256, arguments.classes)))


def _lenet_5_layers(arguments: LeNet5Arguments) -> tuple[Layer, ...]:
    image, layers = Image(*arguments.input_shape), list[Layer]()
    for number, width in enumerate(LENET_5_WIDTHS, start=1):
        layer, image = conv(f"conv{number}", image, width, 5, padding=0, bias=True)
        layers.append(layer)
        image = pool(image, 2)
    return (*layers, *linear_layers((prod(image), 500, arguments.classes)))


def _preset(length: str, learning_rate: float, conv_rate: float) -> dict[str, Any]:
    return {
        "training": {
            "length": length,
            "batch_size": 60,
            "optimizer": {"name": "adam", "learning_rate": learning_rate},
            "schedule": {"name": "constant"},
            "evaluate_every": "100it",
        },
        "rate": {"conv": conv_rate, "linear": 0.2, "output": 0.1},
    }


CONV_2 = Architecture(
    name="conv-2",
    description="Two 3x3 convolutions of 64 channels, a 2x2 max pool, fully connected 256-256-classes.",
    arguments=ImageArguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="glorot_normal",
    layers=partial(_conv_layers, stages=1),
    preset=_preset("20000it", 2e-4, 0.1),
)
CONV_4 = Architecture(
    name="conv-4",
    description="`conv-2` with two convolutions of 128 channels and a pool more, before the fully connected layers.",
    arguments=Conv4Arguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="glorot_normal",
    layers=partial(_conv_layers, stages=2),
    preset=_preset("25000it", 3e-4, 0.1),
)
CONV_6 = Architecture(
    name="conv-6",
    description="`conv-4` with two convolutions of 256 channels and a pool more, before the fully connected layers.",
    arguments=Conv6Arguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="glorot_normal",
    layers=partial(_conv_layers, stages=3),
    preset=_preset("30000it", 3e-4, 0.15),
)
LENET_5 = Architecture(
    name="lenet-5",
    description="Two 5x5 convolutions of 20 and 50 channels, each with a 2x2 max pool, fully connected 500-classes: "
    "the form with 431 thousand parameters that pruning papers use (Han et al. 2015, table 3).",
    arguments=LeNet5Arguments,
    data_shape=(1, 28, 28),
    classes=10,
    initialiser="glorot_normal",
    layers=_lenet_5_layers,
    preset={"training": TRAINING, "rate": RATE},
)
