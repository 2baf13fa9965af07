"""Fully connected networks on flattened input: `mlp` of any widths, and LeNet-300-100 (LeCun et al. 1998)."""

from itertools import pairwise
from math import prod
from typing import Literal

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import FlatArguments, MlpArguments
from ticketing.architectures.inventory import Layer

# The `lenet-fc` setting of Frankle & Carbin 2018, figure 2.
TRAINING = {
    "length": "50000it",
    "batch_size": 60,
    "optimizer": {"name": "adam", "learning_rate": 1.2e-3},
    "schedule": {"name": "constant"},
    "evaluate_every": "100it",
}
RATE = {"default": 0.2, "output": 0.1}


def linear(name: str, into: int, out: int, role: Literal["hidden", "output"] = "hidden") -> Layer:
    """Write the row of a linear layer."""
    return Layer(name, "linear", (out, into), True, into * out, role)


def linear_layers(widths: tuple[int, ...], *, first: int = 1) -> tuple[Layer, ...]:
    """List the layers `fc<first>`, ... between successive widths; the last one makes the logits."""
    pairs = list(pairwise(widths))
    return tuple(
        linear(f"fc{first + i}", into, out, "output" if i == len(pairs) - 1 else "hidden")
        for i, (into, out) in enumerate(pairs)
    )


def _mlp_layers(arguments: MlpArguments) -> tuple[Layer, ...]:
    return linear_layers((prod(arguments.input_shape), *arguments.hidden, arguments.classes))


def _lenet_layers(arguments: FlatArguments) -> tuple[Layer, ...]:
    return linear_layers((prod(arguments.input_shape), 300, 100, arguments.classes))


MLP = Architecture(
    name="mlp",
    description="Fully connected layers of the widths given, ReLU between them.",
    arguments=MlpArguments,
    data_shape=(1, 28, 28),
    classes=10,
    initialiser="glorot_normal",
    layers=_mlp_layers,
    preset={"training": {**TRAINING, "length": "20ep", "evaluate_every": "1ep"}, "rate": RATE},
)
LENET_300_100 = Architecture(
    name="lenet-300-100",
    description="Fully connected 300-100-classes, ReLU between them (LeCun et al. 1998).",
    arguments=FlatArguments,
    data_shape=(1, 28, 28),
    classes=10,
    initialiser="glorot_normal",
    layers=_lenet_layers,
    preset={"training": TRAINING, "rate": RATE},
)
