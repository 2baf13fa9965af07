"""One checkpoint file: all that a run has finished, written whole and read back whole; knows no folder of them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.files import sha256_of, write_tensors
from ticketing.folder import CHECKPOINT_VERSION
from ticketing.journal.where import Where


@dataclass(frozen=True)
class Saved:
    """A checkpoint file."""

    number: int
    file: str
    """Its name inside the folder."""
    sha256: str
    bytes: int
    where: Where

    def as_json(self) -> dict[str, Any]:
        """Write it as the `checkpoint_saved` event carries it."""
        return asdict(self)


@dataclass(frozen=True)
class Unfinished:
    """A training that was stopped on its way: all it needs to go on as if it never had been."""

    where: Where
    facts: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds."""

    run: str
    """Digest of everything that decides the result of the run it is of."""
    execution_key: dict[str, Any]
    where: Where
    facts: dict[str, dict[str, Any]]
    tensors: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    unfinished: Unfinished | None = None


class Broken(Exception):  # noqa: N818 - a reason to look at the checkpoint before, told only when there is none
    """A checkpoint is cut or altered."""


def write_checkpoint(path: Path, content: Content) -> str:
    """Write a checkpoint under its name, whole or not at all, and give its sha256."""
    unfinished = content.unfinished
    words = {"version": CHECKPOINT_VERSION, "run": content.run, "execution_key": content.execution_key}
    words |= {"where": content.where.as_json(), "facts": content.facts, "unfinished": None}
    tensors = {f"{p}:{n}": tensor for p, named in content.tensors.items() for n, tensor in named.items()}
    if unfinished is not None:
        words["unfinished"] = {"where": unfinished.where.as_json(), "facts": unfinished.facts}
        tensors |= {f"unfinished:{n}": tensor for n, tensor in unfinished.tensors.items()}
    write_tensors(path, tensors, metadata=json.dumps(words, allow_nan=False, separators=(",", ":")))
    return sha256_of(path)


def read_checkpoint(path: Path, *, sha256: str) -> Content:
    """Read a checkpoint that must have the sha256 it was written with.

    Raises:
        Broken: It is not there, cut or altered.
        CheckpointError: It is of a version that this code does not know.
    """
    if not path.is_file():
        raise Broken("expected a file, got none")
    came = sha256_of(path)
    if came != sha256:
        raise Broken(f"expected sha256 {sha256}, got {came}")
    try:
        with safe_open(path, framework="pt") as file:
            words = json.loads(file.metadata()["winnow"])
            flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Broken(f"not a checkpoint: {error}") from None
    if words.get("version") != CHECKPOINT_VERSION:
        raise CheckpointError(
            f"{path.name}: expected a checkpoint of version {CHECKPOINT_VERSION}, got {words.get('version')!r}"
        )
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, tensor in flat.items():
        piece, _, own = name.partition(":")
        tensors.setdefault(piece, {})[own] = tensor
    rest, unfinished = tensors.pop("unfinished", {}), words["unfinished"]
    return Content(
        run=words["run"],
        execution_key=words["execution_key"],
        where=Where(**words["where"]),
        facts=words["facts"],
        tensors=tensors,
        unfinished=Unfinished(Where(**unfinished["where"]), unfinished["facts"], rest) if unfinished else None,
    )
