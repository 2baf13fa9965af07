"""ticketing.journal.checkpoint: a file that is read back as it was written, or not at all."""

import json
from pathlib import Path

import pytest
import torch

from ticketing.errors import CheckpointError
from ticketing.files import sha256_of, write_tensors
from ticketing.folder import CHECKPOINT_VERSION
from ticketing.journal.checkpoint import Broken, Content, Unfinished, read_checkpoint, write_checkpoint
from ticketing.journal.where import Where

HERE = Where.of_search(0, 2, 40)
CONTENT = Content(
    run="r",
    execution_key={"threads": 1},
    where=HERE,
    facts={"a/b": {"loss": 0.1 + 0.2}},
    tensors={"a/b": {"weights": torch.arange(3.0)}},
    unfinished=Unfinished(HERE, {"step": 40}, {"weights": torch.ones(2)}),
)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "1.safetensors"
    read = read_checkpoint(path, sha256=write_checkpoint(path, CONTENT))
    assert (read.run, read.execution_key, read.where, read.facts) == ("r", {"threads": 1}, HERE, CONTENT.facts)
    assert read.tensors["a/b"]["weights"].tolist() == [0, 1, 2]
    assert read.unfinished is not None
    assert (read.unfinished.facts, read.unfinished.tensors["weights"].tolist()) == ({"step": 40}, [1, 1])


def test_equal_content_has_equal_bytes(tmp_path: Path) -> None:
    assert write_checkpoint(tmp_path / "1", CONTENT) == write_checkpoint(tmp_path / "2", CONTENT)


@pytest.mark.parametrize("damage", ["gone", "cut", "another"])
def test_a_file_that_is_not_the_one_that_was_written_is_broken(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "1.safetensors"
    sha256 = write_checkpoint(path, CONTENT)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + (b"" if damage == "cut" else b"x"))
    with pytest.raises(Broken):
        read_checkpoint(path, sha256=sha256)


def test_a_file_that_was_never_a_checkpoint_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "1.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(Broken, match="not a checkpoint"):
        read_checkpoint(path, sha256=sha256_of(path))


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "1.safetensors"
    write_tensors(path, {}, metadata=json.dumps({"version": CHECKPOINT_VERSION + 1, "run": "r"}))
    with pytest.raises(CheckpointError, match=f"of version {CHECKPOINT_VERSION}, got {CHECKPOINT_VERSION + 1}"):
        read_checkpoint(path, sha256=sha256_of(path))
