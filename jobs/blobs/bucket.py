"""Blobs in a bucket of S3 or of a store that speaks its language.

PREFIX/
├── ab/abcdef…      one object per blob, never changed once it is there
└── incoming/       large ones, whole but not named yet; anything old in here was cut short and may be deleted

Bytes are hashed on this machine's disk before the store sees any of them, so that an object never gets a name that is
not its own. The name is given only if nobody else has given it (`If-None-Match: *`).
"""

import io
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from jobs.blobs.addressing import Bucket, obstore_of, signed_address
from jobs.blobs.clearing import clear_folder
from jobs.blobs.contract import Kept
from jobs.blobs.fetching import fetched
from jobs.blobs.leftovers import abort_unfinished
from jobs.blobs.naming import INCOMING, key_of
from jobs.blobs.patience import Patience
from jobs.blobs.ranges import RANGE_BYTES, RangeReader
from jobs.blobs.writer import BlobWriter, Stored, copied
from jobs.errors import BlobMissingError, StoreUnavailableError
from jobs.ids import is_sha256

if TYPE_CHECKING:
    from obstore import ObjectMeta

PART_BYTES = 8 << 20
"""Sent in one request; larger blobs in several, this much each and two at once."""
COPY_BYTES = 5 << 30
"""The store copies no larger object in one request; such a one is written under its name at once."""
FRESH_SECONDS = 3600.0
"""A blob that is there for longer is put again: a collection that took it for forgotten then sees that it is not."""


class BlobBucket:
    """A bucket of blobs, as `Blobs` describes.

    Args:
        bucket: Which, and how it is reached.
        spool: Folder on this machine that bytes are hashed in before they are sent.
        presigns: Whether clients are sent to the bucket itself.
        patience_seconds: How long it is asked again, with growing and random pauses, before it counts as away.
        request_seconds: How long one request may take; none carries more than `PART_BYTES`.
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        spool: Path,
        presigns: bool = True,
        patience_seconds: float = 15,
        request_seconds: float = 30,
    ) -> None:
        self._bucket = bucket
        self._store = obstore_of(bucket, request_seconds=request_seconds)
        self._presigns = presigns
        self._patiently = Patience(patience_seconds)
        self.incoming = spool / INCOMING
        self.incoming.mkdir(parents=True, exist_ok=True)

    def exists(self, sha256: str) -> bool:
        """See `Blobs.exists`."""
        return self._head(key_of(sha256)) is not None

    def writer(self, *, max_bytes: int | None = None) -> BlobWriter:
        """See `Blobs.writer`."""
        return BlobWriter(self.incoming, self._adopt, max_bytes=max_bytes)

    def put(self, source: BinaryIO, *, expected_sha256: str | None = None, max_bytes: int | None = None) -> Stored:
        """See `Blobs.put`."""
        return copied(source, self.writer(max_bytes=max_bytes), expected_sha256)

    def open(self, sha256: str) -> BinaryIO:
        """See `Blobs.open`."""
        found = self._found(sha256)

        reader = RangeReader(partial(self.read_range, sha256), size=found["size"])
        return cast(BinaryIO, io.BufferedReader(reader, RANGE_BYTES))

    def read_range(self, sha256: str, *, first: int, count: int) -> bytes:
        """See `Blobs.read_range`."""
        key = key_of(sha256)
        if count == 0:
            return b""
        try:
            return bytes(
                self._patiently("read", partial(obstore.get_range, self._store, key, start=first, length=count))
            )
        except FileNotFoundError:
            raise BlobMissingError(sha256) from None

    def fetch(self, sha256: str, *, to: Path) -> None:
        """See `Blobs.fetch`."""
        size = self._found(sha256)["size"]
        pieces = (self.read_range(sha256, first=at, count=RANGE_BYTES) for at in range(0, size, RANGE_BYTES))
        fetched(pieces, sha256, to=to)

    def presigned(self, sha256: str, *, seconds: int, name: str | None, media_type: str) -> str | None:
        """See `Blobs.presigned`."""
        if not self._presigns:
            return None
        return signed_address(self._bucket, key_of(sha256), seconds=seconds, name=name, media_type=media_type)

    def delete(self, sha256: str, *, idle_seconds: float = 0) -> bool:
        """See `Blobs.delete`.

        The store has no way to look and delete in one step. Who puts the same bytes in the instant between the two
        loses them and is told so by nobody: see `jobs.keeping.collection` for what keeps that from mattering.
        """
        key = key_of(sha256)
        found = self._head(key)
        if found is None or _age(found) < idle_seconds:
            return False
        self._patiently("delete", lambda: obstore.delete(self._store, key))
        return True

    def names(self) -> Iterator[Kept]:
        """See `Blobs.names`."""
        for found in self._listed(""):
            name = found["path"].rpartition("/")[2]
            if is_sha256(name) and found["path"] == key_of(name):
                yield Kept(name, found["size"], _age(found))

    def clear_incoming(self, *, idle_seconds: float) -> int:
        """See `Blobs.clear_incoming`: of the bucket, parts without a whole among it, and of this machine's spool."""
        cleared = clear_folder(self.incoming, idle_seconds=idle_seconds)
        for found in self._listed(INCOMING):
            if _age(found) >= idle_seconds:
                self._patiently("delete", partial(obstore.delete, self._store, found["path"]))
                cleared += 1
        return cleared + self._patiently("abort", partial(abort_unfinished, self._bucket, idle_seconds=idle_seconds))

    def _adopt(self, written: Path, stored: Stored) -> None:
        """Send a finished file, unless that blob is there already."""
        key = key_of(stored.sha256)
        found = self._head(key)
        whole = found is not None and found["size"] == stored.bytes
        if not (whole and found is not None and _age(found) < FRESH_SECONDS):
            self._patiently("write", partial(self._send_or_fail, written, stored, key, anew=found is not None))
        written.unlink()

    def _send_or_fail(self, written: Path, stored: Stored, key: str, *, anew: bool) -> None:
        try:
            self._send(written, stored, key, anew=anew)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise StoreUnavailableError(f"expected a bucket {self._bucket.name}, got none") from None
            # The answer to a request that ended an upload was lost, and the upload is gone when that is asked again.
            raise ConnectionError(str(error)) from None

    def _send(self, written: Path, stored: Stored, key: str, *, anew: bool) -> None:
        if stored.bytes <= PART_BYTES:
            with suppress(AlreadyExistsError):
                obstore.put(self._store, key, written.read_bytes(), mode="overwrite" if anew else "create")
            return
        if anew or stored.bytes > COPY_BYTES:
            self._send_in_parts(written, key)
            return
        incoming = f"{INCOMING}/{stored.sha256}-{secrets.token_hex(8)}"
        self._send_in_parts(written, incoming)
        with suppress(AlreadyExistsError):
            obstore.copy(self._store, incoming, key, overwrite=False)
        with suppress(BaseError):  # a collection takes it away else
            obstore.delete(self._store, incoming)

    def _send_in_parts(self, written: Path, key: str) -> None:
        obstore.put(self._store, key, written, use_multipart=True, chunk_size=PART_BYTES, max_concurrency=2)

    def _found(self, sha256: str) -> "ObjectMeta":
        found = self._head(key_of(sha256))
        if found is None:
            raise BlobMissingError(sha256)
        return found

    def _head(self, key: str) -> "ObjectMeta | None":
        try:
            return self._patiently("look", partial(obstore.head, self._store, key))
        except FileNotFoundError:
            return None

    def _listed(self, prefix: str) -> "Iterator[ObjectMeta]":
        pages = iter(obstore.list(self._store, prefix or None))
        while page := self._patiently.once("list", partial(next, pages, None)):
            yield from page


def _age(found: "ObjectMeta") -> float:
    return (datetime.now(UTC) - found["last_modified"]).total_seconds()
