"""The zoo: which architectures there are, what they take, and what they are made of; loads no torch.

To add one: a file here with an `Architecture`, its line in `ARCHITECTURES`, and its modules in `ticketing.models`.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from ticketing.architectures.architecture import Architecture
from ticketing.architectures.arguments import Arguments
from ticketing.architectures.convnet import CONV_2, CONV_4, CONV_6, LENET_5
from ticketing.architectures.gpt import GPT
from ticketing.architectures.inventory import Inventory, Layer, TensorShape, state_of
from ticketing.architectures.mlp import LENET_300_100, MLP
from ticketing.architectures.mobilenet import MOBILENET_V2
from ticketing.architectures.preresnet import PRERESNETS, WIDE_RESNET
from ticketing.architectures.resnet import RESNETS, SMALL_RESNETS
from ticketing.architectures.vgg import VGGS
from ticketing.architectures.vit import VIT_TINY
from ticketing.errors import Fault, ModelError
from ticketing.recipe.faults import faults_of
from ticketing.task import DATA_OF, Task

__all__ = [
    "ARCHITECTURES",
    "MAX_PARAMETERS",
    "Architecture",
    "Inventory",
    "Layer",
    "TensorShape",
    "architecture_named",
    "arguments_for",
    "inventory",
    "preset",
]

ARCHITECTURES: Mapping[str, Architecture] = {
    known.name: known
    for known in (
        *(MLP, LENET_300_100),
        *(LENET_5, CONV_2, CONV_4, CONV_6),
        *SMALL_RESNETS,
        *RESNETS,
        *(*PRERESNETS, WIDE_RESNET),
        *VGGS,
        MOBILENET_V2,
        *(VIT_TINY, GPT),
    )
}
MAX_PARAMETERS = 2_000_000_000


def architecture_named(name: str) -> Architecture:
    """Look up an architecture.

    Raises:
        ModelError: There is none of that name; the fault lists those there are.
    """
    if name not in ARCHITECTURES:
        detail = f"expected one of {', '.join(ARCHITECTURES)}, got {name[:80]!r}"
        raise ModelError(detail, [Fault("/architecture", "unknown_architecture", detail, tuple(ARCHITECTURES))])
    return ARCHITECTURES[name]


def inventory(architecture: str, arguments: Mapping[str, Any]) -> Inventory:
    """Work out every layer and state-dict entry of an architecture without building it.

    Args:
        architecture: A name of `ARCHITECTURES`.
        arguments: All of its arguments; `arguments_for` fills in what a request leaves out.

    Raises:
        ModelError: An unknown name, an argument missing, unknown or out of bounds, or more than
            `MAX_PARAMETERS` parameters; one fault per argument.
    """
    known = architecture_named(architecture)
    checked = _checked(known, arguments)
    layers = known.layers(checked)
    made = Inventory(
        architecture=known.name,
        arguments=checked.explicit(),
        input_shape=checked.input_shape,
        classes=checked.outputs,
        layers=layers,
        state=state_of(layers),
        task=known.task,
    )
    if made.parameters_total > MAX_PARAMETERS:
        detail = f"expected at most {MAX_PARAMETERS} parameters, got {made.parameters_total}"
        raise ModelError(detail, [Fault("/arguments", "too_many_parameters", detail)])
    return made


def arguments_for(
    architecture: str,
    arguments: Mapping[str, Any],
    *,
    data_shape: tuple[int, ...] | None = None,
    classes: int | None = None,
    task: Task = "classification",
) -> dict[str, Any]:
    """Fill in the arguments a request leaves out: from its dataset, else from the architecture's own dataset.

    Args:
        architecture: A name of `ARCHITECTURES`.
        arguments: What the request says; nothing in it is changed.
        data_shape: Of one example of the job's dataset: (features,) or (channels, height, width), () of tokens.
        classes: Of the job's dataset.
        task: Of the job's dataset, where there is one.

    Returns:
        Every argument, explicit.

    Raises:
        ModelError: As `inventory` raises it, or the architecture reads images, or text, and the dataset has none.
    """
    known = architecture_named(architecture)
    if data_shape is not None and task != known.task:
        detail = f"expected a dataset of {DATA_OF[known.task]} for {architecture}, got {DATA_OF[task]}"
        raise ModelError(detail, [Fault("/architecture", "another_task", detail)])
    filled = dict(arguments)
    outputs = "vocabulary" if known.task == "next_token" else "classes"
    filled.setdefault(outputs, known.classes if classes is None else classes)
    shape = known.data_shape if data_shape is None else data_shape
    if len(shape) == 1 and "in_features" not in known.arguments.model_fields:
        detail = f"expected a dataset of images for {architecture}, got examples of shape {list(shape)}"
        raise ModelError(detail, [Fault("/architecture", "needs_images", detail)])
    if len(shape) == 1 and not filled.keys() & {"in_channels", "input_size"}:
        filled.setdefault("in_features", shape[0])
    elif len(shape) == 3 and "in_features" not in filled:
        filled.setdefault("in_channels", shape[0])
        filled.setdefault("input_size", list(shape[1:]))
    return _checked(known, filled).explicit()


def preset(architecture: str) -> dict[str, Any]:
    """Give the partial recipe of an architecture: how it is trained and pruned when the request does not say.

    Raises:
        ModelError: There is no architecture of that name.
    """
    return deepcopy(dict(architecture_named(architecture).preset))


def _checked(known: Architecture, arguments: Mapping[str, Any]) -> Arguments:
    try:
        return known.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        faults = faults_of(error, at="/arguments")
        raise ModelError("; ".join(f"{f.pointer}: {f.detail}" for f in faults), faults) from None
