"""Small VGG-like convolutional networks of Frankle & Carbin 2018, figure 2: `conv-2`."""

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import ImageArguments
from ticketing.architectures.inventory import Layer
from ticketing.architectures.mlp import linear_layers


def _conv_2_layers(arguments: ImageArguments) -> tuple[Layer, ...]:
    channels, height, width = arguments.input_shape
    first = Layer("conv1", "conv", (64, channels, 3, 3), True, 64 * channels * 9 * height * width)
    second = Layer("conv2", "conv", (64, 64, 3, 3), True, 64 * 64 * 9 * height * width)
    flat = 64 * (height // 2) * (width // 2)
    return (first, second, *linear_layers((flat, 256, 256, arguments.classes)))


CONV_2 = Architecture(
    name="conv-2",
    description="Two 3x3 convolutions of 64 channels, a 2x2 max pool, fully connected 256-256-classes.",
    arguments=ImageArguments,
    data_shape=(3, 32, 32),
    classes=10,
    initialiser="glorot_normal",
    layers=_conv_2_layers,
    preset={
        "training": {
            "length": "20000it",
            "batch_size": 60,
            "optimizer": {"name": "adam", "learning_rate": 2e-4},
            "schedule": {"name": "constant"},
            "evaluate_every": "100it",
        },
        "rate": {"conv": 0.1, "linear": 0.2, "output": 0.1},
    },
)
