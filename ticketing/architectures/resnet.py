"""The residual networks of He et al. 2015: `resnet-20/32/56/110` for small images, and `resnet-18/34/50`."""

from functools import partial

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import ImageArguments, StemArguments
from ticketing.architectures.images import Block, Image, Rows, conv_norm, pool, stages
from ticketing.architectures.inventory import Layer
from ticketing.architectures.mlp import linear
from ticketing.architectures.presets import sgd_training

SMALL_WIDTHS = (16, 32, 64)
SMALL_COUNTS = {"resnet-20": 3, "resnet-32": 5, "resnet-56": 9, "resnet-110": 18}
"""Blocks of each stage (section 4.2): of 2 convolutions each, beside the first one and the linear layer."""
WIDTHS = (64, 128, 256, 512)
COUNTS = {"resnet-18": (2, 2, 2, 2), "resnet-34": (3, 4, 6, 3), "resnet-50": (3, 4, 6, 3)}
"""Blocks of each stage (table 1)."""
BOTTLENECKS = ("resnet-50",)
"""Networks whose blocks are 1x1, 3x3, 1x1; those of all others are two 3x3 convolutions."""
EXPANSION = 4
"""A bottleneck gives this many times the channels of its middle."""


def _small_layers(arguments: ImageArguments, *, count: int) -> tuple[Layer, ...]:
    first, image = conv_norm(("conv1", "bn1"), Image(*arguments.input_shape), SMALL_WIDTHS[0])
    blocks, image = stages(image, _basic, widths=SMALL_WIDTHS, counts=[count] * 3)
    return (*first, *blocks, linear("fc", image.channels, arguments.classes, "output"))


def _layers(arguments: StemArguments, *, counts: tuple[int, ...], block: Block) -> tuple[Layer, ...]:
    large = arguments.stem == "imagenet"
    image = Image(*arguments.input_shape)
    first, image = conv_norm(("conv1", "bn1"), image, WIDTHS[0], 7 if large else 3, stride=2 if large else 1)
    image = pool(image, 3, stride=2, padding=1) if large else image
    blocks, image = stages(image, block, widths=WIDTHS, counts=counts)
    return (*first, *blocks, linear("fc", image.channels, arguments.classes, "output"))


def _basic(at: str, image: Image, width: int, stride: int) -> Rows:
    """Two 3x3 convolutions."""
    first, made = conv_norm((f"{at}.conv1", f"{at}.bn1"), image, width, stride=stride)
    second, made = conv_norm((f"{at}.conv2", f"{at}.bn2"), made, width)
    return first + second, made


def _bottleneck(at: str, image: Image, width: int, stride: int) -> Rows:
    """1x1, 3x3, 1x1; the stride is in the 3x3 convolution, where torchvision has it."""
    first, made = conv_norm((f"{at}.conv1", f"{at}.bn1"), image, width, 1)
    second, made = conv_norm((f"{at}.conv2", f"{at}.bn2"), made, width, stride=stride)
    third, made = conv_norm((f"{at}.conv3", f"{at}.bn3"), made, EXPANSION * width, 1)
    return first + second + third, made


def _projected(at: str, image: Image, width: int, stride: int, *, block: Block) -> Rows:
    """Option B: where a block changes the image's shape, the shortcut is a 1x1 convolution and a norm."""
    layers, made = block(at, image, width, stride)
    if made == image:
        return layers, made
    shortcut, _ = conv_norm((f"{at}.downsample.0", f"{at}.downsample.1"), image, made.channels, 1, stride=stride)
    return layers + shortcut, made


SMALL_RESNETS = tuple(
    Architecture(
        name=name,
        description=f"Residual network of {name.removeprefix('resnet-')} layers for small images (He et al. 2015, "
        "section 4.2), option A shortcuts: no parameters in them.",
        arguments=ImageArguments,
        data_shape=(3, 32, 32),
        classes=10,
        initialiser="kaiming_normal",
        layers=partial(_small_layers, count=count),
        # `resnet20-renda`: Renda et al. 2020, table 1.
        preset={
            "training": sgd_training(
                length="182ep",
                batch_size=128,
                weight_decay=2e-4,
                nesterov=True,
                at=("91ep", "136ep"),
                augment="flip_crop",
            ),
            "rate": {"default": 0.2},
            "scope": "global",
        },
    )
    for name, count in SMALL_COUNTS.items()
)
RESNETS = tuple(
    Architecture(
        name=name,
        description=f"Residual network of {name.removeprefix('resnet-')} layers (He et al. 2015, table 1), "
        "torchvision's state dict; with a stem for ImageNet or for small images.",
        arguments=StemArguments,
        data_shape=(3, 224, 224),
        classes=1000,
        initialiser="kaiming_normal",
        layers=partial(
            _layers, counts=counts, block=partial(_projected, block=_bottleneck if name in BOTTLENECKS else _basic)
        ),
        # torchvision's reference training (90 epochs, batch 8 x 32), that of He et al. 2015 in epochs.
        preset={
            "training": sgd_training(length="90ep", batch_size=256, weight_decay=1e-4, at=("30ep", "60ep")),
            "rate": {"default": 0.2},
            "scope": "global",
        },
    )
    for name, counts in COUNTS.items()
)
