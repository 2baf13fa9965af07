"""The end of a log file, read with bounded effort; knows no job."""

from pathlib import Path

MAX_BYTES = 1 << 20


def read_tail(path: Path, *, lines: int) -> str:
    """Give up to `lines` last lines of a file, of at most its last MiB; nothing when there is no file.

    What is not UTF-8 is replaced, and control characters too: a log is shown in terminals and pages.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_BYTES))
            raw = file.read(MAX_BYTES)
    except FileNotFoundError:
        return ""
    text = raw.decode("utf-8", "replace")
    kept = text.splitlines()[-lines:]
    shown = "\n".join(
        "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in k) for k in kept
    )
    return shown + "\n" if kept else ""
