"""Reads tickets with NumPy alone: masks and sparse weights as `docs/tickets.md` lays them out. Imports no torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ticketing.certificate.answers import read_answers
from ticketing.errors import VerificationError
from ticketing.slim import DOCUMENT, TENSORS, Slim, check, read_document

__all__ = ["Slim", "read_answers", "read_mask", "read_slim", "read_sparse", "read_sparse_mask"]

Shapes = Mapping[str, tuple[int, ...]]


def read_mask(path: Path | str) -> dict[str, NDArray[np.bool_]]:
    """Read `mask.safetensors`: per parameter which entries are kept (True).

    Raises:
        VerificationError: The file is no mask, or its counts disagree with its bits.
    """
    tensors, layout = _read(path)
    return {name: _bits(name, tensors[name], layout) for name in layout["shapes"]}


def read_sparse(path: Path | str) -> dict[str, NDArray[Any]]:
    """Read `sparse.safetensors` as dense arrays under the uploaded keys: kept values, zeros elsewhere.

    Lossless: the arrays equal those of `model.safetensors` bit for bit.

    Raises:
        VerificationError: The file is no sparse model, or its counts disagree with its bits.
    """
    tensors, layout = _read(path)
    dense = {name: tensor for name, tensor in tensors.items() if _owner(name) not in layout["shapes"]}
    for name in layout["shapes"]:
        kept = _bits(name, tensors[f"{name}.bitmask"], layout)
        values = tensors[f"{name}.values"]
        dense[name] = np.zeros(kept.shape, values.dtype)
        dense[name][kept] = values
    return dense


def read_sparse_mask(path: Path | str) -> dict[str, NDArray[np.bool_]]:
    """Read the mask that `sparse.safetensors` carries; the same as `mask.safetensors` holds."""
    tensors, layout = _read(path)
    return {name: _bits(name, tensors[f"{name}.bitmask"], layout) for name in layout["shapes"]}


def read_slim(folder: Path | str) -> tuple[dict[str, NDArray[Any]], Slim]:
    """Read a slim ticket: its small dense arrays under the uploaded keys, and what they are of the whole network.

    `slim.tensors["conv1.weight"].kept[0]` are the original filters that stay; an axis that is whole is not listed.

    Raises:
        VerificationError: `slim.safetensors` or `slim.json` is not there or not one of ours, or they disagree.
    """
    slim = read_document(Path(folder) / DOCUMENT)
    try:
        state, layout = _read(Path(folder) / TENSORS)
    except (OSError, SafetensorError, ValueError) as error:
        raise VerificationError(f"expected {TENSORS} to be a file of ours, got: {error}") from None
    check(slim, layout, {name: list(array.shape) for name, array in state.items()})
    return {name: state[name] for name in slim.tensors}, slim


def normalised(x: NDArray[Any], path: Path | str) -> NDArray[np.float32]:
    """Normalise examples as the network in a file of a ticket was trained on them: (x - mean) / std, in float32.

    Args:
        x: (examples, channels, height, width) or (examples, features), in the units of the dataset.
        path: Any of the ticket's tensor files.

    Raises:
        VerificationError: The file does not say how, or x has other channels or features.
    """
    with safe_open(path, framework="np") as file:
        inputs = json.loads((file.metadata() or {}).get("winnow", "{}")).get("inputs")
    if not inputs:
        raise VerificationError(
            f"expected {Path(path).name} to say the mean of its inputs in its metadata, got nothing"
        )
    if x.ndim < 2 or x.shape[1] != len(inputs["mean"]):
        raise VerificationError(f"expected (examples, {len(inputs['mean'])}, ...), got {x.shape}")
    mean, std = (np.float32(inputs[name]).reshape(-1, *[1] * (x.ndim - 2)) for name in ("mean", "std"))
    made: NDArray[np.float32] = (x.astype(np.float32) - mean) / std
    return made


def _read(path: Path | str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    with safe_open(path, framework="np") as file:
        layout = json.loads((file.metadata() or {}).get("winnow", "{}"))
        if "shapes" not in layout:
            raise VerificationError(f"expected {Path(path).name} to say the shapes in its metadata, got {[*layout]}")
        return {name: file.get_tensor(name) for name in file.keys()}, layout  # noqa: SIM118 - no mapping


def _bits(name: str, packed: NDArray[Any], layout: Mapping[str, Any]) -> NDArray[np.bool_]:
    shape = tuple(layout["shapes"][name])
    flat = np.unpackbits(packed, count=int(np.prod(shape)), bitorder="little")
    bits: NDArray[np.bool_] = flat.astype(np.bool_).reshape(shape)
    kept, came = layout["kept"][name], int(bits.sum())
    if kept != came:
        raise VerificationError(f"expected {kept} kept entries in {name}, got {came}")
    return bits


def _owner(name: str) -> str:
    return name.removesuffix(".bitmask").removesuffix(".values")
