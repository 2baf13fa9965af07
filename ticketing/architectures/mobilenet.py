"""MobileNetV2 (Sandler et al. 2018, table 2): `mobilenet-v2`, inverted residuals with depthwise convolutions."""

from typing import NamedTuple

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import StemArguments
from ticketing.architectures.images import Image, Rows, conv_norm
from ticketing.architectures.inventory import Layer
from ticketing.architectures.mlp import linear
from ticketing.architectures.presets import sgd_training

FIRST, LAST = 32, 1280
"""Channels of the first and of the last convolution."""


class Residual(NamedTuple):
    """One inverted residual: table 2's expansion t, output channels c and stride s."""

    expansion: int
    out: int
    stride: int


_TABLE_2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def first_stride(stem: str) -> int:
    """Stride of the first convolution."""
    return 2 if stem == "imagenet" else 1


def residuals(stem: str) -> tuple[Residual, ...]:
    """List the inverted residuals; with the stem `cifar` the first one of stride 2 has stride 1."""
    return tuple(
        Residual(expansion, out, stride if number == 0 and (stem == "imagenet" or out != 24) else 1)
        for expansion, out, count, stride in _TABLE_2
        for number in range(count)
    )


def _layers(arguments: StemArguments) -> tuple[Layer, ...]:
    image = Image(*arguments.input_shape)
    layers, image = conv_norm(("features.0.0", "features.0.1"), image, FIRST, stride=first_stride(arguments.stem))
    for number, residual in enumerate(residuals(arguments.stem), start=1):
        rows, image = _residual(f"features.{number}.conv", image, residual)
        layers += rows
    at = f"features.{number + 1}"
    rows, image = conv_norm((f"{at}.0", f"{at}.1"), image, LAST, 1)
    return (*layers, *rows, linear("classifier.1", image.channels, arguments.classes, "output"))


def _residual(at: str, image: Image, residual: Residual) -> Rows:
    """Widen by a 1x1 convolution (unless t is 1), filter each channel by its own 3x3 kernel, narrow by another 1x1."""
    layers: tuple[Layer, ...] = ()
    middle, number = image, 0
    if residual.expansion > 1:
        layers, middle = conv_norm((f"{at}.0.0", f"{at}.0.1"), image, residual.expansion * image.channels, 1)
        number = 1
    own = middle.channels
    names = f"{at}.{number}.0", f"{at}.{number}.1"
    depthwise, middle = conv_norm(names, middle, own, stride=residual.stride, groups=own)
    narrow, made = conv_norm((f"{at}.{number + 1}", f"{at}.{number + 2}"), middle, residual.out, 1)
    return layers + depthwise + narrow, made


MOBILENET_V2 = Architecture(
    name="mobilenet-v2",
    description="Inverted residuals with depthwise convolutions (Sandler et al. 2018, table 2), width 1.0, "
    "torchvision's state dict; with a stem for ImageNet or for small images.",
    arguments=StemArguments,
    data_shape=(3, 224, 224),
    classes=1000,
    initialiser="kaiming_normal",
    layers=_layers,
    # torchvision's reference training multiplies the rate by 0.98 after each epoch: here the same decay every 15.
    preset={
        "training": sgd_training(
            length="300ep",
            batch_size=256,
            learning_rate=0.045,
            weight_decay=4e-5,
            at=[f"{epoch}ep" for epoch in range(15, 300, 15)],
            factor=round(0.98**15, 4),
        ),
        "rate": {"default": 0.2},
        "scope": "global",
    },
)
