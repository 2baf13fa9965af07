"""service.routes.blobs: what was sent is kept under its digest, anything else leaves nothing behind."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

DATA = b"winnow" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


def test_bytes_are_kept_under_their_digest_and_can_be_asked_for(service: Any) -> None:
    assert service.http.head(f"/v1/blobs/{SHA256}").status_code == 404
    sent = service.http.put(f"/v1/blobs/{SHA256}", content=DATA)
    assert (sent.status_code, sent.json()) == (201, {"sha256": SHA256, "bytes": 6000})
    asked = service.http.head(f"/v1/blobs/{SHA256}")
    assert (asked.status_code, asked.headers["content-length"]) == (200, "6000")
    assert service.kept(SHA256) == DATA


def test_the_same_bytes_twice_are_one_blob(service: Any) -> None:
    data = b"twice"
    sha256 = service.blob(data)
    again = service.http.put(f"/v1/blobs/{sha256}", content=data)
    assert (again.status_code, again.json()) == (200, {"sha256": sha256, "bytes": 5})


def test_other_bytes_than_announced_are_refused_and_not_kept(service: Any) -> None:
    wrong = hashlib.sha256(b"expected").hexdigest()
    answer = service.http.put(f"/v1/blobs/{wrong}", content=b"something else")
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert wrong in answer.json()["detail"]
    assert service.http.head(f"/v1/blobs/{wrong}").status_code == 404
    assert list(service.incoming.iterdir()) == []


@pytest.mark.parametrize("name", ["abc", "A" * 64, "g" * 64, "0" * 63])
def test_a_name_that_is_no_digest_is_refused(service: Any, name: str) -> None:
    answer = service.http.put(f"/v1/blobs/{name}", content=b"")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "path:sha256")


@pytest.mark.parametrize(
    ("header", "value"), [("Content-Encoding", "gzip"), ("Content-Type", "multipart/form-data; boundary=x")]
)
def test_encoded_and_multipart_bodies_are_refused(service: Any, header: str, value: str) -> None:
    answer = service.http.put(f"/v1/blobs/{SHA256}", content=DATA, headers={header: value})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_without_declared_length_is_taken(service: Any) -> None:
    def chunks() -> Iterator[bytes]:
        yield from (b"a" * 65536 for _ in range(50))

    sha256 = hashlib.sha256(b"a" * 65536 * 50).hexdigest()
    answer = service.http.put(f"/v1/blobs/{sha256}", content=chunks())
    assert (answer.status_code, answer.json()["bytes"]) == (201, 65536 * 50)
