"""The VGG networks with batch norm (Simonyan & Zisserman 2014, table 1): `vgg-11/13/16/19-bn`."""

from functools import partial
from math import prod

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import VggArguments
from ticketing.architectures.images import Image, conv_norm, pool
from ticketing.architectures.inventory import Layer
from ticketing.architectures.mlp import linear
from ticketing.architectures.presets import sgd_training

WIDTHS = (64, 128, 256, 512, 512)
COUNTS = {
    "vgg-11-bn": (1, 1, 2, 2, 2),
    "vgg-13-bn": (2, 2, 2, 2, 2),
    "vgg-16-bn": (2, 2, 3, 3, 3),
    "vgg-19-bn": (2, 2, 4, 4, 4),
}
"""3x3 convolutions of each stage; a 2x2 max pool follows every stage, but not the last one before `single`."""
POOLED = 7
"""Side of the image that the ImageNet classifier reads, whatever the size of the input."""
HIDDEN = 4096
CLASSIFIER = ("classifier.0", "classifier.3", "classifier.6")
"""torchvision's names of the three linear layers; ReLU and dropout stand between them."""


def _layers(arguments: VggArguments, *, counts: tuple[int, ...]) -> tuple[Layer, ...]:
    image, at, layers = Image(*arguments.input_shape), 0, list[Layer]()
    for stage, (width, count) in enumerate(zip(WIDTHS, counts, strict=True), start=1):
        for _ in range(count):
            rows, image = conv_norm((f"features.{at}", f"features.{at + 1}"), image, width, bias=True)
            layers += rows
            at += 3
        if arguments.classifier == "imagenet" or stage < len(WIDTHS):
            image = pool(image, 2)
            at += 1
    if arguments.classifier == "single":
        return (*layers, linear("classifier", image.channels, arguments.classes, "output"))
    first, second, last = CLASSIFIER
    return (
        *layers,
        linear(first, prod((image.channels, POOLED, POOLED)), HIDDEN),
        linear(second, HIDDEN, HIDDEN),
        linear(last, HIDDEN, arguments.classes, "output"),
    )


VGGS = tuple(
    Architecture(
        name=name,
        description=f"VGG of {name.split('-')[1]} layers with batch norm (Simonyan & Zisserman 2014, table 1), "
        "torchvision's state dict; on small images one linear layer after the mean over the image.",
        arguments=VggArguments,
        data_shape=(3, 32, 32),
        classes=10,
        initialiser="kaiming_normal",
        layers=partial(_layers, counts=counts),
        # `vgg-cifar`: the training of VGG on CIFAR-10 in OpenLTH (Frankle et al. 2020).
        preset={
            "training": sgd_training(
                length="160ep", batch_size=128, weight_decay=1e-4, at=("80ep", "120ep"), augment="flip_crop"
            ),
            "rate": {"default": 0.2, "output": 0.0},
            "scope": "global",
        },
    )
    for name, counts in COUNTS.items()
)
