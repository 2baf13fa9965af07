"""ticketing.journal.journal: what was saved is read back, the newest whole checkpoint wins, another run's refused."""

import os
from pathlib import Path

import pytest
import torch

from ticketing.errors import CheckpointError
from ticketing.journal.checkpoint import Unfinished
from ticketing.journal.journal import KEPT_SECONDS, Journal, open_journal
from ticketing.journal.where import Where

HERE = Where(replicate=0, stage="search", branch="ticket", level=2, step=40)
KEY = {"threads": 1}


def opened(folder: Path, run: str = "run") -> Journal:
    return open_journal(folder, run_digest=run, execution_key=KEY)


def saved(folder: Path, *levels: int) -> Journal:
    """A journal that was saved once after each level."""
    journal = opened(folder)
    for level in levels:
        journal.record(f"level/{level}", {"level": level}, {"weights": torch.full((3,), float(level))})
        journal.save(HERE)
    return journal


def test_a_folder_without_checkpoints_is_a_run_from_the_start(tmp_path: Path) -> None:
    journal = opened(tmp_path / "checkpoint")
    assert (journal.facts, journal.resumed_from, journal.next_number) == ({}, None, 1)


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    saved(tmp_path, 0, 1)
    journal = opened(tmp_path)
    assert journal.facts == {"level/0": {"level": 0}, "level/1": {"level": 1}}
    assert journal.tensors["level/1"]["weights"].tolist() == [1.0, 1.0, 1.0]
    assert journal.resumed_from is not None
    assert (journal.resumed_from.number, journal.resumed_from.where) == (2, HERE)
    assert journal.saved_under == KEY


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    saved(tmp_path, 0, 1)
    assert opened(tmp_path).save(HERE).file == "000003.safetensors"


def test_floats_come_back_with_every_bit(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.record("a", {"loss": 0.1 + 0.2})
    journal.save(HERE)
    assert opened(tmp_path).facts["a"]["loss"] == 0.1 + 0.2


def test_the_saved_checkpoint_names_its_file_and_digest(tmp_path: Path) -> None:
    told = opened(tmp_path).save(HERE)
    assert (tmp_path / told.file).stat().st_size == told.bytes
    assert (tmp_path / "000001.done").read_text() == f"{told.sha256}\n"


@pytest.mark.parametrize("damage", ["altered", "cut", "gone"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path, damage: str) -> None:
    saved(tmp_path, 0, 1)
    newest = tmp_path / "000002.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    {
        "altered": lambda: newest.write_bytes(content),
        "cut": lambda: newest.write_bytes(content[:-9]),
        "gone": newest.unlink,
    }[damage]()
    journal = opened(tmp_path)
    assert journal.facts == {"level/0": {"level": 0}}
    assert journal.next_number == 3


def test_a_checkpoint_without_its_marker_was_never_finished(tmp_path: Path) -> None:
    saved(tmp_path, 0, 1)
    (tmp_path / "000002.done").unlink()
    assert opened(tmp_path).facts == {"level/0": {"level": 0}}


def test_when_none_is_whole_the_journal_is_empty_says_why_and_numbers_on(tmp_path: Path) -> None:
    saved(tmp_path, 0, 1)
    (tmp_path / "000001.safetensors").write_bytes(b"")
    (tmp_path / "000002.safetensors").unlink()
    journal = opened(tmp_path)
    assert (journal.facts, journal.resumed_from, journal.next_number) == ({}, None, 3)
    assert [why[:6] for why in journal.damaged] == ["000002", "000001"]
    assert saved(tmp_path, 0).resumed_from is None
    assert opened(tmp_path).facts == {"level/0": {"level": 0}}


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, 0)
    with pytest.raises(CheckpointError, match="expected a checkpoint of run other, got run"):
        opened(tmp_path, "other")


def test_the_last_two_are_kept_once_the_others_are_old(tmp_path: Path) -> None:
    journal = saved(tmp_path, 0, 1, 2)
    assert len(list(tmp_path.glob("*.done"))) == 3
    for old in tmp_path.iterdir():
        os.utime(old, (old.stat().st_atime, old.stat().st_mtime - KEPT_SECONDS - 1))
    journal.save(HERE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000003.done",
        "000003.safetensors",
        "000004.done",
        "000004.safetensors",
    ]


def test_an_unfinished_training_is_handed_over_once_and_to_itself_alone(tmp_path: Path) -> None:
    opened(tmp_path).save(HERE, Unfinished(HERE, {"step": 40}, {"weights": torch.ones(2)}))
    journal = opened(tmp_path)
    assert journal.take_unfinished(Where(1, "search", "ticket", 2)) is None
    taken = journal.take_unfinished(HERE.at(0))
    assert taken is not None
    assert (taken.where, taken.facts, taken.tensors["weights"].tolist()) == (HERE, {"step": 40}, [1.0, 1.0])
    assert journal.take_unfinished(HERE) is None


def test_a_finished_training_leaves_no_unfinished_one_behind(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.save(HERE, Unfinished(HERE, {}, {"weights": torch.ones(2)}))
    journal.save(HERE)
    assert opened(tmp_path).unfinished is None


def test_a_forgotten_piece_is_not_in_the_next_checkpoint(tmp_path: Path) -> None:
    journal = saved(tmp_path, 0, 1)
    journal.forget("level/0")
    journal.save(HERE)
    assert list(opened(tmp_path).facts) == ["level/1"]


def test_recording_again_replaces_the_tensors_too(tmp_path: Path) -> None:
    journal = saved(tmp_path, 0)
    journal.record("level/0", {"level": 0})
    assert "level/0" not in journal.tensors
