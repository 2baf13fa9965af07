"""Files that were begun and never finished, taken away; knows no store."""

import time
from contextlib import suppress
from pathlib import Path


def clear_folder(folder: Path, *, idle_seconds: float) -> int:
    """Delete the files of a folder that nobody has written to for a while, and count them."""
    cleared = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime >= idle_seconds:
                path.unlink()
                cleared += 1
    return cleared
