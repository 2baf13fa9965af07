"""The tensor files of a ticket, written and read back; knows where they lie and what their metadata says.

To add a file: a function here with `Writer`'s shape, its line in `WRITERS`, its word in `Recipe.outputs`, and its
row in `docs/tickets.md`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ticketing.errors import VerificationError
from ticketing.files import write_tensors
from ticketing.mask import Mask
from ticketing.sparse import encode
from ticketing.ticket import Ticket

FORMAT_VERSION = 1

About = Mapping[str, Any]
"""What the metadata of every file says beside its layout: architecture, arguments, rewind point, normalisation."""

Writer = Callable[[Path, Ticket, About], None]


def write_ticket(path: Path, ticket: Ticket, about: About) -> None:
    """Write the ticket itself: the weights it restarts from, zeros where pruned, the uploaded keys."""
    write_tensors(path, ticket.start, metadata=_layout("ticket", ticket, about))


def write_model(path: Path, ticket: Ticket, about: About) -> None:
    """Write the trained sparse model in dense layout under the uploaded keys: it loads anywhere."""
    write_tensors(path, ticket.trained, metadata=_layout("model", ticket, about))


def write_mask(path: Path, ticket: Ticket, about: About) -> None:
    """Write the bits: a kept weight may be exactly 0, so the mask cannot be read off the weights."""
    write_tensors(path, ticket.mask.pack(), metadata=_layout("mask", ticket, about))


def write_sparse(path: Path, ticket: Ticket, about: About) -> None:
    """Write the trained sparse model in its small form."""
    write_tensors(path, encode(ticket.trained, ticket.mask), metadata=_layout("sparse", ticket, about))


WRITERS: Mapping[str, Writer] = {
    "ticket": write_ticket,
    "model": write_model,
    "mask": write_mask,
    "sparse": write_sparse,
}
"""By the words of `Recipe.outputs`; each writes `<word>.safetensors`."""


def _layout(kind: str, ticket: Ticket, about: About) -> str:
    layout = {
        "format": f"winnow/{kind}",
        "version": FORMAT_VERSION,
        "level": ticket.level,
        "sparsity": ticket.mask.sparsity,
        "shapes": {name: list(kept.shape) for name, kept in ticket.mask.items()},
        "kept": ticket.mask.counts(),
    }
    return compact(layout | dict(about))


def compact(layout: Mapping[str, Any]) -> str:
    """Write what a file says of itself as its metadata holds it."""
    return json.dumps(layout, separators=(",", ":"), allow_nan=False)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read one of these files: its tensors, and the layout its metadata says.

    Raises:
        VerificationError: It is no safetensors file, or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            layout = json.loads((file.metadata() or {})["winnow"])
            return {name: file.get_tensor(name) for name in file.keys()}, layout  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise VerificationError(f"expected {path.name} to be a file of ours, got: {error}") from None


def read_mask(path: Path) -> Mask:
    """Read `mask.safetensors`.

    Raises:
        VerificationError: The file is no mask, or its counts disagree with its bits.
    """
    packed, layout = read_tensors(path)
    mask = Mask.unpack(packed, shapes_of(layout))
    if mask.counts() != layout["kept"]:
        raise VerificationError(f"{path.name}: expected counts {layout['kept']}, got {mask.counts()}")
    return mask


def shapes_of(layout: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Give the shapes of the masked parameters as a layout lists them."""
    return {name: tuple(shape) for name, shape in layout["shapes"].items()}
