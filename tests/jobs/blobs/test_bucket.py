"""jobs.blobs.bucket: the first to name a blob is the only one, clients get addresses that work, leftovers go."""

import hashlib
import io
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
import pytest

from jobs.blobs import Blobs, open_blobs
from jobs.blobs.bucket import BlobBucket
from jobs.blobs.naming import key_of
from jobs.errors import StoreUnavailableError
from jobs.settings import Settings

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

HELLO = hashlib.sha256(b"hello").hexdigest()
BIG = bytes(range(256)) * (20 << 12)


@pytest.fixture
def open_bucket(object_store: "ObjectStore", tmp_path: Path) -> Callable[..., BlobBucket]:
    place = object_store.bucket()

    def open_one(**changes: Any) -> BlobBucket:
        bucket = open_blobs(Settings(home=tmp_path, **place | changes), patience_seconds=1)
        assert isinstance(bucket, BlobBucket)
        return bucket

    return open_one


@pytest.mark.parametrize("data", [b"hello", BIG], ids=["one request", "several"])
def test_a_name_that_was_given_is_not_given_again(
    open_bucket: Callable[..., BlobBucket], data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the look beforehand missed it: the store itself refuses, and the bytes that were there stay."""
    bucket = open_bucket()
    key = key_of(hashlib.sha256(data).hexdigest())
    obstore.put(bucket._store, key, b"the first")
    monkeypatch.setattr(bucket, "_head", lambda key: None)
    assert bucket.put(io.BytesIO(data)).bytes == len(data)
    assert bytes(obstore.get(bucket._store, key).bytes()) == b"the first"


def test_of_many_writers_of_a_large_blob_all_succeed_and_one_object_is_made(
    open_bucket: Callable[..., BlobBucket],
) -> None:
    made: list[str] = []

    def put() -> None:
        made.append(open_bucket().put(io.BytesIO(BIG)).sha256)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert made == [hashlib.sha256(BIG).hexdigest()] * 4
    bucket = open_bucket()
    assert [(kept.sha256, kept.bytes) for kept in bucket.names()] == [(made[0], len(BIG))]
    assert bucket.clear_incoming(idle_seconds=0) == 0


def test_a_signed_address_gives_the_bytes_under_a_name_and_a_type(open_bucket: Callable[..., BlobBucket]) -> None:
    bucket = open_bucket()
    bucket.put(io.BytesIO(b"hello"))
    address = bucket.presigned(HELLO, seconds=60, name="mask.safetensors", media_type="text/plain; charset=utf-8")
    assert address is not None
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"hello"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="mask.safetensors"'
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_an_address_names_the_store_as_clients_reach_it(open_bucket: Callable[..., BlobBucket]) -> None:
    bucket = open_bucket(s3_public_endpoint="https://files.example.org")
    address = bucket.presigned(HELLO, seconds=60, name=None, media_type="text/plain")
    assert address is not None
    assert address.startswith("https://files.example.org/winnow-")
    assert "test-secret" not in address


def test_no_address_is_signed_where_the_operator_wants_none(open_bucket: Callable[..., BlobBucket]) -> None:
    bucket = open_bucket(s3_presign=False)
    assert bucket.presigned(HELLO, seconds=60, name=None, media_type="text/plain") is None


def test_a_whole_that_was_never_named_is_cleared(open_bucket: Callable[..., BlobBucket]) -> None:
    bucket = open_bucket()
    obstore.put(bucket._store, f"incoming/{HELLO}-1", b"hello")
    assert bucket.clear_incoming(idle_seconds=600) == 0
    assert list(bucket.names()) == []
    assert bucket.clear_incoming(idle_seconds=0) == 1
    assert bucket.clear_incoming(idle_seconds=0) == 0


def test_one_bucket_holds_two_stores_apart_by_their_prefix(object_store: "ObjectStore", tmp_path: Path) -> None:
    place = object_store.bucket()
    name = place["blob_url"].split("/")[2]
    stores: list[Blobs] = [
        open_blobs(Settings(home=tmp_path, **place | {"blob_url": f"s3://{name}{prefix}"})) for prefix in ("/a", "/b")
    ]
    stores[0].put(io.BytesIO(b"hello"))
    assert [store.exists(HELLO) for store in stores] == [True, False]
    assert [len(list(store.names())) for store in stores] == [1, 0]


def test_a_store_that_is_not_there_is_said_to_be_away(open_bucket: Callable[..., BlobBucket], tmp_path: Path) -> None:
    bucket = open_bucket(s3_endpoint="http://127.0.0.1:9")
    for ask in (lambda: bucket.exists(HELLO), lambda: bucket.put(io.BytesIO(b"hello")), lambda: list(bucket.names())):
        with pytest.raises(StoreUnavailableError) as refused:
            ask()
        assert "127.0.0.1" not in str(refused.value)
    assert list(bucket.incoming.iterdir()) == []


def test_a_bucket_that_does_not_exist_is_named(open_bucket: Callable[..., BlobBucket]) -> None:
    bucket = open_bucket(blob_url="s3://no-such-bucket")
    with pytest.raises(StoreUnavailableError, match="no-such-bucket"):
        bucket.put(io.BytesIO(b"hello"))


def test_the_key_is_shown_by_nothing(open_bucket: Callable[..., BlobBucket]) -> None:
    assert "test-secret" not in repr(open_bucket()._bucket) + repr(open_bucket()._bucket.signer(None))
