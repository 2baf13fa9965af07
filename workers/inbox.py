"""Files a child left behind become blobs: regular ones with one name, of the size and digest it announced, no links.

The child may have put anything there. Each file is opened once, without following a link anywhere on its path, looked
at through that descriptor, and copied from it while it is hashed.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from jobs.blobs import Blobs, Stored
from jobs.errors import DigestError
from jobs.leases import NewArtifact
from ticketing.export.listing import MEDIA_TYPES, SUMS
from workers.protocol import ProtocolViolationError

MAX_FILES = 1000
_ENDINGS = "|".join(ending[1:] for ending in MEDIA_TYPES if ending)
_NAME = re.compile(rf"((levels/(?P<level>[0-9]{{2,3}})|hf)/)?[a-z][a-z0-9_]*\.({_ENDINGS})|hf/README\.md|{SUMS}")


class UntrustedFileError(ProtocolViolationError):
    """Something else lies where the child announced a file."""


def collect(root: Path, name: str, *, sha256: str | None, blobs: Blobs, max_bytes: int) -> Stored:
    """Store one file from a folder that an untrusted child could write.

    Args:
        root: Folder made by the worker, above everything the child could replace.
        name: Path below it.
        sha256: What the child said it is; None when it said nothing about its bytes.
        max_bytes: Larger files are refused unread.

    Raises:
        UntrustedFileError: A link, a second name, no regular file, too large, or other bytes than announced.
    """
    with _open_beneath(root, name) as file:
        found = os.fstat(file.fileno())
        if found.st_size > max_bytes:
            raise UntrustedFileError(f"expected {name!r} to have at most {max_bytes} bytes, got {found.st_size}")
        try:
            return blobs.put(file, expected_sha256=sha256, max_bytes=found.st_size)
        except DigestError as error:
            raise UntrustedFileError(f"{name!r}: {error}") from None


def collect_all(
    root: Path, files: Mapping[str, Mapping[str, Any]], *, blobs: Blobs, max_bytes: int
) -> list[NewArtifact]:
    """Store every file a run announced, in the order of their names; files it did not announce stay where they are.

    Args:
        root: The run's `out` folder.
        files: Name to `sha256` and `bytes`, from the `finished` event.
        max_bytes: Of all together.

    Raises:
        UntrustedFileError: A name no run makes, too many files, or one that `collect` refuses.
    """
    if len(files) > MAX_FILES:
        raise UntrustedFileError(f"expected at most {MAX_FILES} files, got {len(files)}")
    room = max_bytes
    artifacts = []
    for name in sorted(files):
        matched = _NAME.fullmatch(name)
        if matched is None:
            raise UntrustedFileError(f"expected the name of something a run makes, got {name[:80]!r}")
        stored = collect(root, name, sha256=files[name]["sha256"], blobs=blobs, max_bytes=room)
        room -= stored.bytes
        level = matched["level"]
        media_type = MEDIA_TYPES[Path(name).suffix]
        artifacts.append(
            NewArtifact(name, stored.sha256, stored.bytes, media_type, None if level is None else int(level))
        )
    return artifacts


def _open_beneath(root: Path, name: str) -> BinaryIO:
    """Open a regular file with one name below a folder, following no link on the way.

    Raises:
        UntrustedFileError: Something else is there, or nothing, or a link stands in its path.
    """
    *folders, last = name.split("/")
    at = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        for folder in folders:
            below = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        # Without O_NONBLOCK a pipe in its place would keep the worker waiting for ever.
        descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    except OSError as error:
        raise UntrustedFileError(f"expected a file at {name!r}, got: {error.strerror}") from None
    finally:
        os.close(at)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise UntrustedFileError(f"expected {name!r} to be a regular file with one name, got another kind")
    return os.fdopen(descriptor, "rb")
