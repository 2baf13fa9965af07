"""service.logs: the newer of what is kept and what lies here, its end alone, shown safely."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from jobs.attempts import Log
from jobs.blobs import BlobFolder
from service.logs import MAX_BYTES, read_tail, tail_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_log_of_another_machine_comes_from_the_store(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    stored = blobs.put(io.BytesIO(b"one\ntwo\nthree\n"))
    assert tail_of(Log(1, stored), tmp_path / "none.log", blobs=blobs, lines=2) == "two\nthree\n"


def test_what_was_printed_here_since_it_was_kept_is_shown(tmp_path: Path) -> None:
    blobs, file = BlobFolder(tmp_path / "blobs"), tmp_path / "here.log"
    file.write_bytes(b"one\ntwo\n")
    stored = blobs.put(io.BytesIO(b"one\n"))
    assert tail_of(Log(1, stored), file, blobs=blobs, lines=9) == "one\ntwo\n"
    assert tail_of(None, file, blobs=blobs, lines=9) == "one\ntwo\n"


def test_of_a_long_log_the_end_is_read_and_no_more(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    stored = blobs.put(io.BytesIO(b"x" * (2 * MAX_BYTES) + b"\nend\n"))
    shown = tail_of(Log(1, stored), tmp_path / "none.log", blobs=blobs, lines=10)
    assert shown.endswith("\nend\n")
    assert len(shown) <= MAX_BYTES + 1


def test_control_characters_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(b"\x1b[31mred\xff\n")
    assert read_tail(file, lines=1) == "\ufffd[31mred\ufffd\n"
    assert read_tail(tmp_path / "none.log", lines=1) == ""
