"""Residual networks with norm and ReLU before each convolution: `preresnet-56/101` and `wide-resnet`."""

from functools import partial

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import ImageArguments, WideResNetArguments
from ticketing.architectures.images import Block, Image, Rows, conv, norm, stages
from ticketing.architectures.inventory import Layer
from ticketing.architectures.mlp import linear
from ticketing.architectures.presets import sgd_training

STEM_WIDTH = 16
WIDTHS = (16, 32, 64)
"""Of the middles of the bottlenecks, by stage; a wide network's blocks have them times its width."""
EXPANSION = 4
"""A bottleneck gives this many times the channels of its middle."""
COUNTS = {"preresnet-56": 6, "preresnet-101": 11}
"""Blocks of each stage: (depth - 2) / 9."""


def wide_count(depth: int) -> int:
    """Blocks of each stage of a wide network: (depth - 4) / 6."""
    return (depth - 4) // 6


def _layers(arguments: ImageArguments, *, block: Block, widths: tuple[int, ...], count: int) -> tuple[Layer, ...]:
    first, image = conv("conv1", Image(*arguments.input_shape), STEM_WIDTH)
    blocks, image = stages(image, block, widths=widths, counts=[count] * 3)
    return (first, *blocks, norm("bn", image), linear("fc", image.channels, arguments.classes, "output"))


def _wide_layers(arguments: WideResNetArguments) -> tuple[Layer, ...]:
    widths = tuple(arguments.width * width for width in WIDTHS)
    return _layers(arguments, block=_basic, widths=widths, count=wide_count(arguments.depth))


def _bottleneck(at: str, image: Image, width: int, stride: int) -> Rows:
    first, middle = conv(f"{at}.conv1", image, width, 1)
    second, smaller = conv(f"{at}.conv2", middle, width, stride=stride)
    third, made = conv(f"{at}.conv3", smaller, EXPANSION * width, 1)
    norms = norm(f"{at}.bn1", image), norm(f"{at}.bn2", middle), norm(f"{at}.bn3", smaller)
    rows = (norms[0], first, norms[1], second, norms[2], third)
    return rows + _shortcut(at, image, made, stride), made


def _basic(at: str, image: Image, width: int, stride: int) -> Rows:
    first, smaller = conv(f"{at}.conv1", image, width, stride=stride)
    second, made = conv(f"{at}.conv2", smaller, width)
    rows = (norm(f"{at}.bn1", image), first, norm(f"{at}.bn2", smaller), second)
    return rows + _shortcut(at, image, made, stride), made


def _shortcut(at: str, image: Image, made: Image, stride: int) -> tuple[Layer, ...]:
    """A 1x1 convolution where a block changes the number of channels; it has no norm."""
    if image.channels == made.channels:
        return ()
    return (conv(f"{at}.downsample.0", image, made.channels, 1, stride=stride)[0],)


PRERESNETS = tuple(
    Architecture(
        name=name,
        description=f"Pre-activation residual network of {name.removeprefix('preresnet-')} layers in bottlenecks, "
        "for small images (He et al. 2016; as in network slimming and early-bird tickets).",
        arguments=ImageArguments,
        data_shape=(3, 32, 32),
        classes=10,
        initialiser="kaiming_normal",
        layers=partial(_layers, block=_bottleneck, widths=WIDTHS, count=count),
        # You et al. 2019 (early-bird tickets).
        preset={
            "training": sgd_training(
                length="160ep", batch_size=256, weight_decay=1e-4, at=("80ep", "120ep"), augment="flip_crop"
            ),
            "rate": {"default": 0.2},
            "scope": "global",
        },
    )
    for name, count in COUNTS.items()
)
WIDE_RESNET = Architecture(
    name="wide-resnet",
    description="Wide residual network WRN-depth-width for small images (Zagoruyko & Komodakis 2016), no dropout.",
    arguments=WideResNetArguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="kaiming_normal",
    layers=_wide_layers,
    # Zagoruyko & Komodakis 2016.
    preset={
        "training": sgd_training(
            length="200ep",
            batch_size=128,
            weight_decay=5e-4,
            nesterov=True,
            at=("60ep", "120ep", "160ep"),
            factor=0.2,
            augment="flip_crop",
        ),
        "rate": {"default": 0.2},
        "scope": "global",
    },
)
