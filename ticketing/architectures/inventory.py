"""What a network is made of, as numbers: layers, shapes, counts, multiply-adds; knows no tensors and no modules."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal, NamedTuple

from ticketing.recipe import LayerKind


class TensorShape(NamedTuple):
    """Shape and safetensors dtype word (`F32`, `I64`) of one entry of a state dict."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Layer:
    """One layer that holds parameters."""

    name: str
    kind: Literal["conv", "linear", "norm"]
    weight: tuple[int, ...]
    """Shape: (out, in, height, width) of a convolution, (out, in) of a linear layer, (channels,) of a norm."""
    bias: bool
    multiply_adds: int
    """Of one forward pass of one example; 0 for a norm, which folds into the layer before it."""
    role: Literal["hidden", "output"] = "hidden"

    @property
    def parameter(self) -> str:
        """The name of the weight in a state dict, which is its name in a mask."""
        return f"{self.name}.weight"

    @property
    def entries(self) -> int:
        """Entries of the weight."""
        return prod(self.weight)

    @property
    def prunable(self) -> bool:
        """Whether its weight may be pruned: convolutions and linear layers, never a norm (nor any bias)."""
        return self.kind != "norm"

    @property
    def rate_kind(self) -> LayerKind:
        """Which rate of a recipe applies to a prunable layer.

        Raises:
            ValueError: The layer is a norm: no rate applies.
        """
        if self.kind == "norm":
            raise ValueError(f"{self.name} is a norm: no rate applies to it")
        return "output" if self.role == "output" else self.kind


@dataclass(frozen=True)
class Inventory:
    """An architecture with its arguments worked out: every layer and every entry of the state dict, in order."""

    architecture: str
    arguments: dict[str, Any]
    input_shape: tuple[int, ...]
    """Of one example: (features,) or (channels, height, width)."""
    classes: int
    layers: tuple[Layer, ...]
    state: dict[str, TensorShape]
    """The whole state dict in order, buffers too."""

    @property
    def prunable(self) -> tuple[Layer, ...]:
        """The layers whose weights may be pruned, input to output."""
        return tuple(layer for layer in self.layers if layer.prunable)

    @property
    def prunable_total(self) -> int:
        """Entries of all prunable weights."""
        return sum(layer.entries for layer in self.prunable)

    @property
    def parameters_total(self) -> int:
        """Entries of all weights and biases, norms included, buffers not."""
        return sum(layer.entries + (layer.weight[0] if layer.bias else 0) for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass of one example."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def convolutional(self) -> bool:
        """Whether any layer is a convolution; such networks run channels-last."""
        return any(layer.kind == "conv" for layer in self.layers)

    def misfit(self, shape: tuple[int, ...], classes: int) -> str | None:
        """Say what of a dataset does not fit this network; None when it fits.

        Args:
            shape: Of one example: (features,) or (channels, height, width). A network without convolutions
                flattens its input, so there only the number of values must agree.
            classes: Number of classes of the dataset; the network may have more.
        """
        fits = shape == self.input_shape if self.convolutional else prod(shape) == prod(self.input_shape)
        if not fits:
            return f"expected examples of shape {list(self.input_shape)}, got {list(shape)}"
        if classes > self.classes:
            return f"expected at most {self.classes} classes, which the network has outputs for, got {classes}"
        return None

    def as_json(self) -> dict[str, Any]:
        """Write it as plain JSON values; `from_json` reads it back equal."""
        written = asdict(self)
        written["state"] = {
            name: {"shape": list(entry.shape), "dtype": entry.dtype} for name, entry in self.state.items()
        }
        written["layers"] = [{**layer, "weight": list(layer["weight"])} for layer in written["layers"]]
        written["input_shape"] = list(self.input_shape)
        return written

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Inventory":
        """Read back what `as_json` wrote."""
        return cls(
            architecture=written["architecture"],
            arguments=dict(written["arguments"]),
            input_shape=tuple(written["input_shape"]),
            classes=written["classes"],
            layers=tuple(Layer(**{**layer, "weight": tuple(layer["weight"])}) for layer in written["layers"]),
            state={name: TensorShape(tuple(e["shape"]), e["dtype"]) for name, e in written["state"].items()},
        )


def state_of(layers: tuple[Layer, ...]) -> dict[str, TensorShape]:
    """List the state dict that these layers make, in the order PyTorch lists it."""
    state: dict[str, TensorShape] = {}
    for layer in layers:
        channels = layer.weight[:1]
        state[f"{layer.name}.weight"] = TensorShape(layer.weight, "F32")
        if layer.bias:
            state[f"{layer.name}.bias"] = TensorShape(channels, "F32")
        if layer.kind == "norm":
            state[f"{layer.name}.running_mean"] = TensorShape(channels, "F32")
            state[f"{layer.name}.running_var"] = TensorShape(channels, "F32")
            state[f"{layer.name}.num_batches_tracked"] = TensorShape((), "I64")
    return state
