"""Bytes to and from a service, checked against their sha256; knows blobs and files, no jobs."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import httpx2

from winnow.connection import Connection
from winnow.errors import DigestError, NotFoundError, ProblemError, TransportError

PIECE_BYTES = 1 << 20

OnBytes = Callable[[int], None]


def sha256_of(path: Path) -> str:
    """Digest a file, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def upload_blob(connection: Connection, path: Path) -> str:
    """Bring a file's bytes to the service, unless it has them, and give their sha256."""
    digest = sha256_of(path)
    try:
        connection.send("HEAD", f"/v1/blobs/{digest}")
    except NotFoundError:
        headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
        connection.send("PUT", f"/v1/blobs/{digest}", headers=headers, content=lambda: _pieces(path))
    return digest


def target_of(folder: Path, name: str) -> Path:
    """Say where in `folder` an artifact belongs.

    Raises:
        TransportError: The name is no plain relative one: it would lie outside the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part == ".." for part in parts) or set(name) & set("\\\0:"):
        raise TransportError(f"expected a plain artifact name such as 'levels/03/mask.safetensors', got {name!r}")
    return folder.joinpath(*parts)


def fetch(connection: Connection, path: str, *, sha256: str, target: Path, on_bytes: OnBytes | None = None) -> bool:
    """Bring one file here: verified, complete, under its name only when both hold.

    A file that is there already and has the digest is left alone. A download that was cut goes on where it stopped,
    also in another process: the part lies beside the target under a name that holds the digest.

    Args:
        path: Where the service gives the bytes; its strong ETag is their sha256.
        sha256: What the bytes must be.
        on_bytes: Told the size of every piece that arrives.

    Returns:
        Whether anything was brought.

    Raises:
        DigestError: Other bytes came; nothing is left behind.
    """
    if target.is_file() and sha256_of(target) == sha256:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{sha256[:16]}.part")
    resumed = part.exists()
    _complete(connection, path, sha256=sha256, part=part, on_bytes=on_bytes)
    if resumed and sha256_of(part) != sha256:
        part.unlink()
        _complete(connection, path, sha256=sha256, part=part, on_bytes=on_bytes)
    came = sha256_of(part)
    if came != sha256:
        part.unlink()
        raise DigestError(f"expected {target.name} with sha256 {sha256}, got {came}")
    part.replace(target)
    _sync_folder(target.parent)
    return True


def verify_folder(folder: Path) -> Sequence[str]:
    """Check every file that a downloaded folder's `SHA256SUMS` names, and give their names.

    Raises:
        DigestError: A file is missing or holds other bytes.
        OSError: There is no `SHA256SUMS`.
    """
    names = []
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        target = target_of(folder, name)
        came = sha256_of(target) if target.is_file() else "no file"
        if came != digest:
            raise DigestError(f"expected {name} with sha256 {digest}, got {came}")
        names.append(name)
    return names


def _complete(connection: Connection, path: str, *, sha256: str, part: Path, on_bytes: OnBytes | None) -> None:
    def attempt() -> None:
        while True:
            before = _size(part)
            try:
                return _receive(connection, path, sha256=sha256, part=part, on_bytes=on_bytes)
            except httpx2.TransportError:
                # A connection cut after some bytes is progress: it costs no patience.
                if _size(part) <= before:
                    raise

    connection.patiently(attempt)


def _receive(connection: Connection, path: str, *, sha256: str, part: Path, on_bytes: OnBytes | None) -> None:
    have = _size(part)
    headers = {"Range": f"bytes={have}-", "If-Range": f'"{sha256}"'} if have else {}
    try:
        with connection.open(path, headers=headers) as response:
            # Not 206: the service sends the whole, whatever was asked for.
            _append(response, part, "ab" if response.status_code == 206 else "wb", on_bytes)
    except ProblemError as error:
        # The part holds every byte there is, or too many: the digest decides which.
        if error.status != 416:
            raise


def _append(response: httpx2.Response, part: Path, mode: Literal["ab", "wb"], on_bytes: OnBytes | None) -> None:
    with part.open(mode) as file:
        for piece in response.iter_raw():
            file.write(piece)
            if on_bytes:
                on_bytes(len(piece))
        file.flush()
        os.fsync(file.fileno())


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
