"""The network under search: its modules, what of it may be pruned, and the weights it starts from; trains nothing."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ticketing.architectures import ARCHITECTURES, Inventory, inventory
from ticketing.architectures.headers import compare, read_header
from ticketing.errors import Fault, ModelError
from ticketing.folder import ModelSpec
from ticketing.models import build
from ticketing.models.initialisers import INITIALISERS
from ticketing.seeds import derive


@dataclass(frozen=True)
class Subject:
    """A network and the weights its search starts from."""

    module: nn.Module
    """On the `meta` device; `placed` makes a copy with weights."""
    inventory: Inventory
    initial_state: dict[str, Tensor]
    """The whole state dict, buffers too, on the CPU. Nobody writes to it."""
    spec: ModelSpec
    uploaded: bool

    @property
    def prunable(self) -> tuple[str, ...]:
        """Names of the prunable parameters, input to output."""
        return tuple(layer.parameter for layer in self.inventory.prunable)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every prunable parameter."""
        return {layer.parameter: layer.weight for layer in self.inventory.prunable}

    @property
    def weights(self) -> Literal["initial", "trained"]:
        """Which moment of training the initial state is of."""
        return self.spec.weights


def load_subject(spec: ModelSpec, *, model_file: Path | None = None) -> Subject:
    """Build the network of `spec` with the uploaded weights, or with weights drawn from its seed.

    Args:
        spec: Architecture, arguments and seed.
        model_file: The uploaded safetensors file; None to draw the weights.

    Raises:
        ModelError: An unknown architecture, bad arguments, neither file nor seed, a file that is not exactly
            the architecture's state dict, or a value that is not finite (the first such tensor is named).
    """
    listed = inventory(spec.architecture, spec.arguments)
    if model_file is not None:
        state = read_state(model_file, listed)
    elif spec.seed is not None:
        state = initialise(listed, derive(spec.seed, 0, "init"))
    else:
        raise ModelError("expected weights or a seed to draw them from, got neither", [Fault("/seed", "missing", "")])
    return Subject(build(spec), listed, state, spec, uploaded=model_file is not None)


def read_state(model_file: Path, listed: Inventory) -> dict[str, Tensor]:
    """Read a safetensors file that must hold exactly the state dict of an inventory, in its order, all finite.

    Raises:
        ModelError: It holds anything else.
    """
    compare(read_header(model_file), listed)
    read = load_file(model_file)
    state = {name: read[name] for name in listed.state}
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise _bad_value(name, "finite values", tensor[~torch.isfinite(tensor)])
        if name.endswith(".running_var") and bool((tensor < 0).any()):
            raise _bad_value(name, "variances of 0 or more", tensor[tensor < 0])
    return state


def initialise(listed: Inventory, seed: int) -> dict[str, Tensor]:
    """Draw a whole fresh state dict with the architecture's own initialiser.

    Biases 0, norms 1 and 0, their statistics 0 and 1. The same seed gives the same bits: one CPU generator goes
    through the layers in order.
    """
    generator = torch.Generator().manual_seed(seed)
    draw = INITIALISERS[ARCHITECTURES[listed.architecture].initialiser]
    drawn = {layer.parameter: draw(layer, generator) for layer in listed.layers if not layer.norm}
    return {name: drawn[name] if name in drawn else _at_rest(name, *entry) for name, entry in listed.state.items()}


def redraw(subject: Subject, seed: int) -> dict[str, Tensor]:
    """Draw all weights and biases anew and reset the norms: where the `reinit` control starts from."""
    return initialise(subject.inventory, seed)


def placed(module: nn.Module, state: Mapping[str, Tensor], *, device: torch.device | str) -> nn.Module:
    """Copy a module with the weights of `state` onto a device; convolution weights lie channels-last.

    Writing to the copy changes neither `module` nor `state`.
    """
    network = deepcopy(module)
    tensors = {
        name: tensor.detach().to(
            device, copy=True, memory_format=torch.channels_last if tensor.dim() == 4 else torch.contiguous_format
        )
        for name, tensor in state.items()
    }
    network.load_state_dict(tensors, strict=True, assign=True)
    return network


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Copy the whole state dict of a network to the CPU, every tensor contiguous."""
    return {name: at_home(tensor) for name, tensor in network.state_dict().items()}


def at_home(tensor: Tensor) -> Tensor:
    """Copy a tensor to the CPU, contiguous."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _at_rest(name: str, shape: tuple[int, ...], dtype: str) -> Tensor:
    """Give what is not drawn: biases, and norms that change nothing yet."""
    if dtype == "I64":
        return torch.zeros(shape, dtype=torch.int64)
    return torch.ones(shape) if name.endswith((".weight", ".running_var")) else torch.zeros(shape)


def _bad_value(name: str, expected: str, bad: Tensor) -> ModelError:
    detail = f"{name}: expected {expected}, got {bad.numel()} others, the first {bad[0].item()}"
    return ModelError(detail, [Fault("/sha256", "bad_values", detail)])
