"""Reads which test examples every network of a certificate got right, from `answers.safetensors`; loads no torch."""

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ticketing.errors import VerificationError


def read_answers(
    path: Path | str, *, level: int | None = None, most: int | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Read `answers.safetensors`: under `<branch>/<level>/<moment>` who got which test example right.

    Rows are replicates, columns test examples; row i of every branch saw the same training data in the same order.
    Of text an example is a window, and its tokens stand in a third dimension.

    Args:
        path: The file.
        level: Read this one and the dense network, which stands at 0; None reads all.
        most: Answers to unpack, a byte each; None for any number.

    Raises:
        VerificationError: The file holds no answers, other ones than its metadata says, or more than `most`.
    """
    name = Path(path).name
    try:
        with safe_open(path, framework="np") as file:
            layout = json.loads((file.metadata() or {}).get("winnow", "{}"))
            if "examples" not in layout:
                raise VerificationError(f"expected {name} to say the examples in its metadata, got {[*layout]}")
            places = [place for place in file.keys() if level is None or _level_of(place) in (0, level)]  # noqa: SIM118 - no mapping
            shape = (layout["examples"], *([layout["predictions"]] if "predictions" in layout else []))
            unpacked = sum(file.get_slice(place).get_shape()[0] for place in places) * prod(shape)
            if most is not None and unpacked > most:
                raise VerificationError(f"expected at most {most} answers in {name}, got {unpacked}")
            return {place: _bits(place, file.get_tensor(place), shape) for place in places}
    except (OSError, SafetensorError, ValueError) as error:
        raise VerificationError(f"expected {name} to be a file of ours, got: {error}") from None


def _level_of(place: str) -> int:
    return int(place.split("/")[1])


def _bits(place: str, packed: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    # A row that is too short would be filled up with wrong answers.
    if packed.dtype != np.uint8 or packed.shape[1:] != ((prod(shape) + 7) // 8,):
        raise VerificationError(f"expected rows of {prod(shape)} packed bits in {place}, got {packed.shape}")
    flat = np.unpackbits(packed, axis=1, count=prod(shape), bitorder="little").astype(np.bool_)
    return flat.reshape(len(flat), *shape)
