"""What a network is made of, as numbers: layers, shapes, counts, multiply-adds; knows no tensors and no modules."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal, NamedTuple

from ticketing.recipe import LayerKind
from ticketing.task import CLASSES_OF, DATA_OF, Task


class TensorShape(NamedTuple):
    """Shape and safetensors dtype word (`F32`, `I64`) of one entry of a state dict."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Layer:
    """One layer that holds parameters."""

    name: str
    kind: Literal["conv", "linear", "attention", "embedding", "norm", "layer_norm"]
    weight: tuple[int, ...]
    """Shape: (out, in, height, width) of a convolution, (out, in) of a linear layer or of a projection of attention,
    (entries, width) of a table of embeddings, (channels,) of a norm."""
    bias: bool
    multiply_adds: int
    """Of one forward pass of one example; 0 for a norm, which folds into the layer before it, and for a look-up."""
    role: Literal["hidden", "output"] = "hidden"
    key: str | None = None
    """The name of the weight in a state dict, where it is not `<name>.weight`."""
    products: int = 0
    """Multiply-adds between two activations, as attention's scores are: no weight is in them to be pruned."""
    deviation: float | None = None
    """Standard deviation its weight is drawn with, where the architecture says so layer by layer."""

    @property
    def parameter(self) -> str:
        """The name of the weight in a state dict, which is its name in a mask."""
        return self.key or f"{self.name}.weight"

    @property
    def bias_parameter(self) -> str:
        """The name of its bias in a state dict."""
        return f"{self.parameter.removesuffix('weight')}bias"

    @property
    def output_axis(self) -> int:
        """The axis of its weight along which its outputs stand: the rows, but of a table of embeddings the columns."""
        return len(self.weight) - 1 if self.kind == "embedding" else 0

    @property
    def norm(self) -> bool:
        """Whether it normalises: by the statistics of a batch (`norm`) or of each example (`layer_norm`)."""
        return self.kind in ("norm", "layer_norm")

    @property
    def entries(self) -> int:
        """Entries of the weight."""
        return prod(self.weight)

    @property
    def prunable(self) -> bool:
        """Whether its weight may be pruned: every weight but a norm's (nor any bias); embeddings where a rate asks."""
        return not self.norm

    @property
    def rate_kind(self) -> LayerKind:
        """Which rate of a recipe applies to a prunable layer.

        Raises:
            ValueError: The layer is a norm: no rate applies.
        """
        if self.kind == "norm" or self.kind == "layer_norm":
            raise ValueError(f"{self.name} is a norm: no rate applies to it")
        return "output" if self.role == "output" else self.kind


@dataclass(frozen=True)
class Inventory:
    """An architecture with its arguments worked out: every layer and every entry of the state dict, in order."""

    architecture: str
    arguments: dict[str, Any]
    input_shape: tuple[int, ...]
    """Of one example: (features,), (channels, height, width), or (context,) for text."""
    classes: int
    """Outputs: classes, or tokens of the vocabulary."""
    layers: tuple[Layer, ...]
    state: dict[str, TensorShape]
    """The whole state dict in order, buffers too."""
    task: Task = "classification"

    @property
    def predictions(self) -> int:
        """How many classes one example asks for: one, or one for each token of a window."""
        return self.input_shape[0] if self.task == "next_token" else 1

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
        return sum(layer.multiply_adds + layer.products for layer in self.layers)

    @property
    def convolutional(self) -> bool:
        """Whether any layer is a convolution; such networks run channels-last."""
        return any(layer.kind == "conv" for layer in self.layers)

    def misfit(self, shape: tuple[int, ...], classes: int, *, task: Task = "classification") -> str | None:
        """Say what of a dataset does not fit this network; None when it fits.

        Args:
            shape: Of one example: (features,) or (channels, height, width). A network without convolutions
                flattens its input, so there only the number of values must agree. Text has none: it is cut to the
                network's context.
            classes: Number of classes of the dataset, or of its tokens; the network may have more.
            task: Of the dataset.
        """
        if task != self.task:
            return f"expected a dataset of {DATA_OF[self.task]}, which {self.architecture} reads, got {DATA_OF[task]}"
        fits = task == "next_token" or self._reads(shape)
        if not fits:
            return f"expected examples of shape {list(self.input_shape)}, got {list(shape)}"
        if classes > self.classes:
            of = CLASSES_OF[task]
            return f"expected at most {self.classes} {of}, which the network has outputs for, got {classes}"
        return None

    def _reads(self, shape: tuple[int, ...]) -> bool:
        return shape == self.input_shape if self.convolutional else prod(shape) == prod(self.input_shape)

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
            task=written.get("task", "classification"),
        )


def state_of(layers: tuple[Layer, ...]) -> dict[str, TensorShape]:
    """List the state dict that these layers make, in the order PyTorch lists it."""
    state: dict[str, TensorShape] = {}
    for layer in layers:
        channels = layer.weight[:1]
        state[layer.parameter] = TensorShape(layer.weight, "F32")
        if layer.bias:
            state[layer.bias_parameter] = TensorShape(channels, "F32")
        if layer.kind == "norm":
            state[f"{layer.name}.running_mean"] = TensorShape(channels, "F32")
            state[f"{layer.name}.running_var"] = TensorShape(channels, "F32")
            state[f"{layer.name}.num_batches_tracked"] = TensorShape((), "I64")
    return state
