"""Uploads that are too large, too slow or never end are bounded, and nobody else notices."""

import hashlib
import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

SHA = "0" * 64


@pytest.fixture(scope="module")
def small(run_service: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A service that takes blobs of one MiB at most."""
    with run_service(tmp_path_factory.mktemp("home"), None, max_blob_bytes=1 << 20) as service:
        yield service


def _put(service: Any, length: int | None) -> http.client.HTTPConnection:
    """Begin an upload and send nothing of it."""
    raw = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=20)
    raw.putrequest("PUT", f"/v1/blobs/{SHA}")
    if length is not None:
        raw.putheader("Content-Length", str(length))
    raw.endheaders()
    return raw


@pytest.mark.parametrize(("length", "status"), [((1 << 20) + 1, 413), (1 << 62, 413)])
def test_a_declared_length_over_the_limit_is_refused_before_a_byte_is_sent(
    small: Any, length: int, status: int
) -> None:
    with closing(_put(small, length)) as raw:
        answer = raw.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (status, "application/problem+json")
    assert list(small.incoming.iterdir()) == []


def test_a_body_without_length_is_cut_off_at_the_limit(small: Any) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(65536)

    answer = small.http.put(f"/v1/blobs/{SHA}", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert list(small.incoming.iterdir()) == []


def test_more_than_the_disk_holds_is_refused_before_a_byte_is_sent(run_service: Any, tmp_path: Path) -> None:
    with run_service(tmp_path, None, max_blob_bytes=1 << 60) as service, closing(_put(service, 1 << 59)) as raw:
        assert raw.getresponse().status == 507


def test_a_large_upload_takes_little_memory(run_service: Any, tmp_path: Path) -> None:
    size, chunk = 192 << 20, bytes(1 << 18)
    digest = hashlib.sha256()
    for _ in range(size // len(chunk)):
        digest.update(chunk)
    process, seen = psutil.Process(), [0]

    def chunks() -> Iterator[bytes]:
        for _ in range(size // len(chunk)):
            seen.append(process.memory_info().rss)
            yield chunk

    with run_service(tmp_path, None) as service:
        service.blob(b"warm")
        before = process.memory_info().rss
        answer = service.http.put(f"/v1/blobs/{digest.hexdigest()}", content=chunks())
        assert (answer.status_code, answer.json()["bytes"]) == (201, size)
    assert max(seen) - before <= 32 << 20


def test_senders_that_stall_hold_nobody_up(run_service: Any, tmp_path: Path) -> None:
    with run_service(tmp_path, None) as service, ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(closing(_put(service, 1 << 20))).send(b"slow")
        began = time.monotonic()
        service.blob(b"quick")
        assert service.submit()["state"] == "queued"
        assert time.monotonic() - began < 2


def test_a_sender_that_drops_leaves_nothing_behind_and_can_send_again(run_service: Any, tmp_path: Path) -> None:
    data = bytes(3 << 20)
    sha256 = hashlib.sha256(data).hexdigest()
    with run_service(tmp_path, None) as service:
        for share in (0.3, 0.6, 0.99):
            raw = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=20)
            with closing(raw):
                raw.putrequest("PUT", f"/v1/blobs/{sha256}")
                raw.putheader("Content-Length", str(len(data)))
                raw.endheaders(data[: int(share * len(data))])
        assert service.blob(data) == sha256
        deadline = time.monotonic() + 10
        while list(service.incoming.iterdir()) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert list(service.incoming.iterdir()) == []


def test_two_senders_of_the_same_bytes_make_one_blob(run_service: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000
    with run_service(tmp_path, None) as service:
        threads = [threading.Thread(target=service.blob, args=(data,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert service.kept(hashlib.sha256(data).hexdigest()) == data
        assert list(service.incoming.iterdir()) == []
