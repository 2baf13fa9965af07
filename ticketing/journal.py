"""What a run has finished, in memory and in its newest checkpoint; knows neither searches nor training.

checkpoint/
├── 000006.safetensors  000006.done
└── 000007.safetensors  000007.done    the marker: the sha256 of the file, written last

A checkpoint holds the whole journal, so one file is enough to go on. The last two are kept, and for a while those
before them, for whoever takes them away may be some behind.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.files import sha256_of, sync_folder, write_tensors, write_whole
from ticketing.where import Where

VERSION = 1
KEPT_CHECKPOINTS = 2
KEPT_SECONDS = 30.0
"""Older checkpoints stay until the newest is this much younger: small networks finish several levels a second, and a
reader that was told of one must still find it."""


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


@dataclass
class Journal:
    """Facts and tensors of finished pieces by name, and at most one unfinished training.

    Written to by the one run that owns it; nothing is on disk until `save`.
    """

    folder: Path
    run_digest: str
    """Of everything that decides the result: a checkpoint of another run is refused."""
    execution_key: dict[str, Any]
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    tensors: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    unfinished: Unfinished | None = None
    resumed_from: Saved | None = None
    """The checkpoint this journal was read from; None for a run from the start."""
    saved_under: dict[str, Any] | None = None
    """The execution key of that checkpoint."""
    next_number: int = 1

    def record(self, piece: str, facts: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> None:
        """Keep what a finished piece found; a piece recorded again is replaced."""
        self.facts[piece] = dict(facts)
        self.tensors.pop(piece, None)
        if tensors:
            self.tensors[piece] = dict(tensors)

    def forget(self, piece: str) -> None:
        """Drop a piece that nothing later needs."""
        self.facts.pop(piece, None)
        self.tensors.pop(piece, None)

    def take_unfinished(self, where: Where) -> Unfinished | None:
        """Hand over the unfinished training if it is the one asked for; it is handed over once."""
        if self.unfinished is None or self.unfinished.where.piece != where.piece:
            return None
        taken, self.unfinished = self.unfinished, None
        return taken

    def save(self, where: Where, unfinished: Unfinished | None = None) -> Saved:
        """Write the next checkpoint: the file, then its marker; then drop all but the last two."""
        name = f"{self.next_number:06d}.safetensors"
        path = self.folder / name
        content = {"version": VERSION, "run": self.run_digest, "execution_key": self.execution_key}
        content |= {"where": where.as_json(), "facts": self.facts}
        content["unfinished"] = None
        tensors = {f"{p}:{n}": tensor for p, named in self.tensors.items() for n, tensor in named.items()}
        if unfinished is not None:
            content["unfinished"] = {"where": unfinished.where.as_json(), "facts": unfinished.facts}
            tensors |= {f"unfinished:{n}": tensor for n, tensor in unfinished.tensors.items()}
        write_tensors(path, tensors, metadata=json.dumps(content, allow_nan=False, separators=(",", ":")))
        saved = Saved(self.next_number, name, sha256_of(path), path.stat().st_size, where)
        write_whole(path.with_suffix(".done"), f"{saved.sha256}\n".encode())
        sync_folder(self.folder)
        self.next_number += 1
        _drop_old(self.folder, now=path.stat().st_mtime)
        return saved


def open_journal(folder: Path, *, run_digest: str, execution_key: dict[str, Any]) -> Journal:
    """Open the journal of a run: from its newest checkpoint that is whole, or empty where there is none.

    A checkpoint without a marker was never finished and is not looked at. One that is cut or altered is passed over
    for the one before it.

    Args:
        folder: Of the checkpoints.
        run_digest: Of this run's recipe, model and dataset.
        execution_key: Where and how this attempt computes; it may differ from the checkpoint's, which
            `Journal.saved_under` then shows.

    Raises:
        CheckpointError: There are checkpoints, but none of the last two is whole; or they are of another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = _numbers(folder)[:KEPT_CHECKPOINTS]
    broken = []
    for number in numbers:
        try:
            journal = _read(folder, number, run_digest, execution_key)
        except _Broken as reason:
            broken.append(f"{number:06d}: {reason}")
        else:
            journal.next_number = numbers[0] + 1
            return journal
    if broken:
        raise CheckpointError(f"expected a whole checkpoint among the last {len(broken)}, got {'; '.join(broken)}")
    return Journal(folder, run_digest, execution_key)


class _Broken(Exception):  # noqa: N818 - a reason to look at the checkpoint before, told only when there is none
    pass


def _numbers(folder: Path) -> list[int]:
    """List the numbers of finished checkpoints, newest first."""
    return sorted((int(path.stem) for path in folder.glob("[0-9]*.done") if path.stem.isdigit()), reverse=True)


def _drop_old(folder: Path, *, now: float) -> None:
    for number in _numbers(folder)[KEPT_CHECKPOINTS:]:
        marker = folder / f"{number:06d}.done"
        if now - marker.stat().st_mtime > KEPT_SECONDS:
            marker.unlink()
            marker.with_suffix(".safetensors").unlink(missing_ok=True)


def _read(folder: Path, number: int, run_digest: str, execution_key: dict[str, Any]) -> Journal:
    path = folder / f"{number:06d}.safetensors"
    if not path.is_file():
        raise _Broken("no file beside its marker")
    expected, came = path.with_suffix(".done").read_text().split(maxsplit=1)[:1], sha256_of(path)
    if expected != [came]:
        raise _Broken(f"expected sha256 {expected}, got {came}")
    try:
        with safe_open(path, framework="pt") as file:
            content = json.loads(file.metadata()["winnow"])
            flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _Broken(f"not a checkpoint: {error}") from None
    if content.get("version") != VERSION or content.get("run") != run_digest:
        raise CheckpointError(f"{path.name}: expected a checkpoint of run {run_digest}, got {content.get('run')}")
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, tensor in flat.items():
        piece, _, own = name.partition(":")
        tensors.setdefault(piece, {})[own] = tensor
    where = Where(**content["where"])
    unfinished = content["unfinished"]
    journal = Journal(folder, run_digest, execution_key, facts=content["facts"])
    if unfinished:
        rest = tensors.pop("unfinished", {})
        journal.unfinished = Unfinished(Where(**unfinished["where"]), unfinished["facts"], rest)
    journal.tensors = tensors
    journal.resumed_from = Saved(number, path.name, came, path.stat().st_size, where)
    journal.saved_under = content["execution_key"]
    return journal
