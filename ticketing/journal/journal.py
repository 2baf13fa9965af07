"""What a run has finished, in memory and in its newest checkpoint; knows neither searches nor training.

checkpoint/
├── 000006.safetensors  000006.done
└── 000007.safetensors  000007.done    the marker: the sha256 of the file, written last

A checkpoint holds the whole journal, so one file is enough to go on. The last two are kept, and for a while those
before them, for whoever takes them away may be some behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.files import sync_folder, write_whole
from ticketing.journal.checkpoint import Broken, Content, Saved, Unfinished, read_checkpoint, write_checkpoint
from ticketing.journal.where import Where

KEPT_CHECKPOINTS = 2
KEPT_SECONDS = 30.0
"""Older checkpoints stay until the newest is this much younger: small networks finish several levels a second, and a
reader that was told of one must still find it."""


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
    damaged: tuple[str, ...] = ()
    """Why none of the last checkpoints could be read, where there were some: the run starts over."""
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
        content = Content(self.run_digest, self.execution_key, where, self.facts, self.tensors, unfinished)
        sha256 = write_checkpoint(path, content)
        saved = Saved(self.next_number, name, sha256, path.stat().st_size, where)
        write_whole(path.with_suffix(".done"), f"{saved.sha256}\n".encode())
        sync_folder(self.folder)
        self.next_number += 1
        _drop_old(self.folder, now=path.stat().st_mtime)
        return saved


def open_journal(folder: Path, *, run_digest: str, execution_key: dict[str, Any]) -> Journal:
    """Open the journal of a run: from its newest checkpoint that is whole, or empty where there is none.

    A checkpoint without a marker was never finished and is not looked at. One that is cut or altered is passed over
    for the one before it; when that is too, the journal is empty and says so, and its checkpoints are numbered on.

    Args:
        folder: Of the checkpoints.
        run_digest: Of this run's recipe, model and dataset.
        execution_key: Where and how this attempt computes; it may differ from the checkpoint's, which
            `Journal.saved_under` then shows.

    Raises:
        CheckpointError: The checkpoint is of another run, or of a version that this code does not know.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = _numbers(folder)[:KEPT_CHECKPOINTS]
    broken = []
    for number in numbers:
        try:
            journal = _read(folder, number, run_digest, execution_key)
        except Broken as reason:
            broken.append(f"{number:06d}: {reason}")
        else:
            journal.next_number = numbers[0] + 1
            return journal
    next_number = numbers[0] + 1 if numbers else 1
    return Journal(folder, run_digest, execution_key, next_number=next_number, damaged=tuple(broken))


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
    marked = path.with_suffix(".done").read_text().split(maxsplit=1)
    content = read_checkpoint(path, sha256=marked[0] if marked else "")
    if content.run != run_digest:
        raise CheckpointError(f"{path.name}: expected a checkpoint of run {run_digest}, got {content.run}")
    return Journal(
        folder,
        run_digest,
        execution_key,
        facts=content.facts,
        tensors=content.tensors,
        unfinished=content.unfinished,
        resumed_from=Saved(number, path.name, marked[0], path.stat().st_size, content.where),
        saved_under=content.execution_key,
    )
