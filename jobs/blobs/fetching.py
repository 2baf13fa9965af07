"""Bytes on their way out of a store into a file: verified, or not there; knows no store."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from jobs.errors import BlobDamagedError


def fetched(pieces: Iterable[bytes], sha256: str, *, to: Path) -> None:
    """Write the pieces of a blob to a new file.

    Raises:
        BlobDamagedError: They are other bytes than its name says; no file is left.
    """
    digest = hashlib.sha256()
    try:
        with to.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        if (came := digest.hexdigest()) != sha256:
            raise BlobDamagedError(f"expected the blob {sha256} to hold its bytes, got bytes with sha256 {came}")
    except FileExistsError:
        raise
    except BaseException:
        to.unlink(missing_ok=True)
        raise
