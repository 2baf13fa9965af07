"""What one architecture is known by: its arguments, its layers, its own dataset and training; builds no modules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ticketing.architectures.arguments import Arguments
from ticketing.architectures.inventory import Layer
from ticketing.task import Task

Initialiser = Literal["glorot_normal", "kaiming_normal", "normal", "truncated_normal"]


@dataclass(frozen=True)
class Architecture:
    """A row of the zoo."""

    name: str
    description: str
    arguments: type[Arguments]
    """Schema and bounds of its arguments."""
    data_shape: tuple[int, ...]
    """Of one example of its own dataset, used where neither arguments nor dataset say otherwise; () of tokens."""
    classes: int
    """Of its own dataset."""
    initialiser: Initialiser
    """How its weights are drawn, by the last two with each layer's `deviation`; biases at 0, norms at 1 and 0."""
    layers: Callable[[Any], tuple[Layer, ...]]
    """Its layers, input to output, for an instance of `arguments`."""
    preset: Mapping[str, Any]
    """A partial recipe: how it is trained and pruned when the request does not say."""
    task: Task = "classification"
