"""The residual networks for small images of He et al. 2015, section 4.2: `resnet-20`, shortcuts without parameters."""

from math import ceil

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import ImageArguments
from ticketing.architectures.inventory import Layer

STAGE_WIDTHS = (16, 32, 64)
BLOCKS_PER_STAGE = 3


def _resnet_20_layers(arguments: ImageArguments) -> tuple[Layer, ...]:
    channels, height, width = arguments.input_shape
    layers = _convolution("conv1", "bn1", channels, 16, height, width)
    into = 16
    for stage, out in enumerate(STAGE_WIDTHS, start=1):
        if stage > 1:
            height, width = ceil(height / 2), ceil(width / 2)
        for block in range(BLOCKS_PER_STAGE):
            at = f"layer{stage}.{block}"
            layers += _convolution(f"{at}.conv1", f"{at}.bn1", into, out, height, width)
            layers += _convolution(f"{at}.conv2", f"{at}.bn2", out, out, height, width)
            into = out
    return (*layers, Layer("fc", "linear", (arguments.classes, into), True, into * arguments.classes, "output"))


def _convolution(name: str, norm: str, into: int, out: int, height: int, width: int) -> tuple[Layer, ...]:
    """A 3x3 convolution that makes `height` x `width` outputs, and its norm."""
    return (
        Layer(name, "conv", (out, into, 3, 3), False, out * into * 9 * height * width),
        Layer(norm, "norm", (out,), True, 0),
    )


RESNET_20 = Architecture(
    name="resnet-20",
    description="Residual network of 20 layers for small images, option A shortcuts: no parameters in them.",
    arguments=ImageArguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="kaiming_normal",
    layers=_resnet_20_layers,
    # `resnet20-renda`: Renda et al. 2020, table 1.
    preset={
        "training": {
            "length": "182ep",
            "batch_size": 128,
            "optimizer": {
                "name": "sgd",
                "learning_rate": 0.1,
                "momentum": 0.9,
                "nesterov": True,
                "weight_decay": 2e-4,
            },
            "schedule": {"name": "milestones", "at": ["91ep", "136ep"], "factor": 0.1},
            "augment": "flip_crop",
            "evaluate_every": "1ep",
        },
        "rate": {"default": 0.2},
        "scope": "global",
    },
)
