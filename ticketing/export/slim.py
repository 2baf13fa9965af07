"""The files of a slim ticket, channels gone for good: the small dense model, and what it is of the whole network."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ticketing.architectures import Inventory
from ticketing.channels import Channels, Kept
from ticketing.channels.channels import stay
from ticketing.channels.slimming import slim_inventory
from ticketing.export.folder import write_json
from ticketing.export.weights import About, compact, read_tensors
from ticketing.files import write_tensors
from ticketing.slim import DOCUMENT, TENSORS, Heads, Outputs, Pad, Sizes, Slim, Taken, check, read_document


def write_slim(
    folder: Path, state: Mapping[str, Tensor], channels: Channels, kept: Kept, *, inventory: Inventory, about: About
) -> None:
    """Write `slim.safetensors` and `slim.json`.

    Args:
        folder: Where to.
        state: Of the slim network, under the names of the whole one.
        channels: Of the whole network.
        kept: True = kept.
        inventory: Of the whole network.
        about: What the metadata says beside the layout.

    Raises:
        VerificationError: The state is of another network; nothing is written.
    """
    slim = slim_of(channels, kept, inventory)
    shapes = {name: taken.slim for name, taken in slim.tensors.items()}
    whole = {name: taken.whole for name, taken in slim.tensors.items()}
    layout = {"format": slim.format, "version": slim.version, "shapes": shapes, "whole_shapes": whole}
    check(slim, layout, _shapes(state))
    write_tensors(folder / TENSORS, state, metadata=compact(layout | dict(about)))
    write_json(folder / DOCUMENT, slim.model_dump(mode="json", exclude_none=True))


def read_slim(folder: Path) -> tuple[dict[str, Tensor], Slim]:
    """Read both files: the state dict of the slim network in its order, and what it is of the whole one.

    Raises:
        VerificationError: One is not there or not one of ours, or they disagree.
    """
    slim = read_document(folder / DOCUMENT)
    state, layout = read_tensors(folder / TENSORS)
    check(slim, layout, _shapes(state))
    return {name: state[name] for name in slim.tensors}, slim


def slim_of(channels: Channels, kept: Kept, inventory: Inventory) -> Slim:
    """Say what stays of a network.

    Args:
        channels: Of the whole network.
        kept: True = kept.
        inventory: Of the whole network.
    """
    narrow = slim_inventory(inventory, channels, kept)
    tensors = {name: _taken(name, entry.shape, channels, kept) for name, entry in inventory.state.items()}
    layers = {}
    for layer in inventory.prunable:
        name, axis = layer.parameter, layer.output_axis
        sizes = {"whole": tensors[name].whole[axis], "slim": tensors[name].slim[axis]}
        layers[name] = Outputs(axis=axis, **sizes, stays=channels.stays.get(name))
    return Slim(
        tensors=tensors,
        layers=layers,
        heads={
            name: Heads(whole=len(heads), kept=stay(heads, kept).nonzero()[:, 0].tolist())
            for name, heads in channels.heads.items()
        },
        pads={
            name: Pad(
                **{
                    side: Sizes(whole=len(zeros), slim=int(stay(zeros, kept).sum()))
                    for side, zeros in pad._asdict().items()
                }
            )
            for name, pad in channels.pads.items()
        },
        parameters=Sizes(whole=inventory.parameters_total, slim=narrow.parameters_total),
        multiply_adds=Sizes(whole=inventory.multiply_adds, slim=narrow.multiply_adds),
    )


def _taken(name: str, shape: tuple[int, ...], channels: Channels, kept: Kept) -> Taken:
    found = {axis: channels.index(name, axis, kept) for axis in range(len(shape))}
    removed = {axis: index for axis, index in found.items() if index is not None and len(index) < shape[axis]}
    return Taken(whole=list(shape), kept={axis: index.tolist() for axis, index in removed.items()})


def _shapes(state: Mapping[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in state.items()}
