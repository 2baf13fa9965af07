"""The end of what an attempt printed, read with bounded effort: from the store of bytes, or from this machine."""

from pathlib import Path

from jobs.attempts import Log
from jobs.blobs import Blobs

MAX_BYTES = 1 << 20


def tail_of(log: Log | None, file: Path, *, blobs: Blobs, lines: int) -> str:
    """Give up to `lines` last lines of an attempt, of at most its last MiB; nothing where nothing was kept.

    Args:
        log: What is kept of it; None when it has not begun.
        file: Where it would print on this machine. The one that holds more is the newer one.
        blobs: Where what is kept lies.
        lines: How many.
    """
    stored = None if log is None else log.stored
    if stored is None or _size(file) > stored.bytes:
        return read_tail(file, lines=lines)
    first = max(0, stored.bytes - MAX_BYTES)
    return shown(blobs.read_range(stored.sha256, first=first, count=stored.bytes - first), lines=lines)


def read_tail(path: Path, *, lines: int) -> str:
    """Give up to `lines` last lines of a file, of at most its last MiB; nothing when there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_BYTES))
            raw = file.read(MAX_BYTES)
    except FileNotFoundError:
        return ""
    return shown(raw, lines=lines)


def shown(raw: bytes, *, lines: int) -> str:
    """Give the last lines of what was printed as text that can be shown.

    What is not UTF-8 is replaced, and control characters too: a log is shown in terminals and pages.
    """
    kept = raw.decode("utf-8", "replace").splitlines()[-lines:]
    text = "\n".join(
        "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in k) for k in kept
    )
    return text + "\n" if kept else ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
