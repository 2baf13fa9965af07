"""F22: the object store errs, cuts and stalls: what it was asked for is retried, and there is never half an object."""

import hashlib
import http.client
import io
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.blobs import Blobs, open_blobs
from jobs.blobs.addressing import Bucket
from jobs.blobs.bucket import BlobBucket
from jobs.errors import StoreUnavailableError
from jobs.settings import Settings

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

pytestmark = pytest.mark.processes

SMALL = b"a checkpoint" * 1000
BIG = bytes(range(256)) * (20 << 12)
"""Of several parts."""
TROUBLES = ("500", "503", "refuse", "cut", "deaf", "half", "stall")


class Proxy(ThreadingHTTPServer):
    """Stands before the store and does to each request what it is told, in turn; afterwards it passes them on.

    500, 503: answers so, and passes nothing on · refuse: closes at once · cut: reads half and closes · deaf: passes it
    on and closes without an answer · half: answers half of what the store said · stall: says nothing until it is over.
    """

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind = endpoint.removeprefix("http://")
        self.troubles: Iterator[str | None] = iter(())
        self.seen: list[tuple[str, str | None]] = []
        self.over = threading.Event()
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def trouble(self, troubles: Iterable[str | None]) -> None:
        self.troubles = iter(troubles)

    def next_trouble(self, verb: str) -> str | None:
        with self.lock:
            trouble = next(self.troubles, None)
            self.seen.append((verb, trouble))
            return trouble

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections are cut here all the time."""


class Passing(BaseHTTPRequestHandler):
    """One connection to the proxy."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def handle_any(self) -> None:
        trouble = self.server.next_trouble(self.command)
        length = int(self.headers.get("Content-Length") or 0)
        if trouble in ("refuse", "cut"):
            self.rfile.read(0 if trouble == "refuse" else length // 2)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if trouble in ("500", "503"):
            self.answer(int(trouble), [], b"<Error><Code>SlowDown</Code></Error>")
            return
        if trouble == "stall":
            self.server.over.wait(60)
            self.close_connection = True
            return
        behind = http.client.HTTPConnection(self.server.behind, timeout=30)
        behind.request(self.command, self.path, body, dict(self.headers))
        came = behind.getresponse()
        data = came.read()
        if trouble == "deaf":
            self.close_connection = True
            return
        kept = [(name, value) for name, value in came.getheaders() if name.lower() not in ("connection", "date")]
        self.answer(came.status, kept, data, cut=trouble == "half")

    def answer(self, status: int, headers: list[tuple[str, str]], data: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 - names http.server calls


@pytest.fixture
def proxy(object_store: "ObjectStore") -> Iterator[Proxy]:
    with Proxy(object_store.endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield proxy
        proxy.over.set()
        proxy.shutdown()
        thread.join()


@pytest.fixture
def place(object_store: "ObjectStore") -> dict[str, Any]:
    """An empty bucket."""
    return object_store.bucket()


@pytest.fixture
def honest(place: dict[str, Any], tmp_path: Path) -> Blobs:
    """The bucket without the proxy: what is really in it."""
    return open_blobs(Settings(home=tmp_path / "honest", **place))


@pytest.fixture
def open_bucket(proxy: Proxy, place: dict[str, Any], tmp_path: Path) -> Callable[[float], BlobBucket]:
    """Opens the bucket through the proxy, impatient enough for a test."""
    name, _, prefix = place["blob_url"].removeprefix("s3://").partition("/")

    def open_one(patience_seconds: float) -> BlobBucket:
        bucket = Bucket(name, prefix, proxy.endpoint, access_key_id="key", secret_access_key="secret")
        return BlobBucket(bucket, spool=tmp_path, patience_seconds=patience_seconds, request_seconds=1)

    return open_one


def read(blobs: Blobs, sha256: str) -> bytes:
    with blobs.open(sha256) as file:
        return file.read()


@pytest.mark.parametrize("data", [SMALL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_bytes_are_kept_and_read_back_whole_through_any_trouble(
    open_bucket: Callable[[float], BlobBucket], proxy: Proxy, honest: Blobs, trouble: str, data: bytes, tmp_path: Path
) -> None:
    bucket = open_bucket(30)
    proxy.trouble([trouble, None, trouble, None, None, trouble])
    stored = bucket.put(io.BytesIO(data))
    assert read(honest, stored.sha256) == data
    proxy.trouble([trouble, None, trouble, trouble])
    bucket.fetch(stored.sha256, to=tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    proxy.trouble([None, trouble, trouble])
    assert read(bucket, stored.sha256) == data
    assert [kept.sha256 for kept in honest.names()] == [stored.sha256]
    assert any(seen for _, seen in proxy.seen)
    assert list(bucket.incoming.iterdir()) == []


@pytest.mark.parametrize("data", [SMALL, BIG], ids=["small", "big"])
@pytest.mark.parametrize("trouble", [trouble for trouble in TROUBLES if trouble != "half"])  # half of nothing is all
def test_a_store_that_stays_away_is_told_in_time_and_keeps_no_half(
    open_bucket: Callable[[float], BlobBucket], proxy: Proxy, honest: Blobs, trouble: str, data: bytes
) -> None:
    bucket = open_bucket(1.5)
    proxy.trouble(iter(lambda: trouble, ""))
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        bucket.put(io.BytesIO(data))
    assert time.monotonic() - began < 30
    assert list(bucket.incoming.iterdir()) == []
    names = [kept.sha256 for kept in honest.names()]
    # The acknowledgement alone was lost: then the whole may be there, and nothing less than the whole.
    assert names in ([], [hashlib.sha256(data).hexdigest()])
    if names:
        assert trouble == "deaf"
        assert read(honest, names[0]) == data
    proxy.trouble([])
    stored = bucket.put(io.BytesIO(data))
    assert read(honest, stored.sha256) == data


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_troubles_ends_in_whole_objects(
    open_bucket: Callable[[float], BlobBucket], proxy: Proxy, honest: Blobs, seed: int
) -> None:
    draw = random.Random(seed)
    bucket = open_bucket(60)
    wanted = {}
    for number in range(6):
        data = draw.randbytes(draw.choice([0, 10, 5000, 9 << 20]))
        proxy.trouble([draw.choice((*TROUBLES[:-1], None, None)) for _ in range(8)])
        wanted[bucket.put(io.BytesIO(data)).sha256] = data
        if number % 2:
            proxy.trouble([draw.choice((*TROUBLES[:-1], None)) for _ in range(4)])
            assert read(bucket, draw.choice(list(wanted))) in wanted.values()
    proxy.trouble([])
    assert {kept.sha256: read(honest, kept.sha256) for kept in honest.names()} == wanted


def test_an_upload_in_parts_that_was_never_finished_is_aborted_by_a_collection(
    open_bucket: Callable[[float], BlobBucket], proxy: Proxy, honest: Blobs
) -> None:
    """The last request of an upload never comes through, and neither does the one that would abort it."""
    bucket = open_bucket(1.5)
    proxy.trouble([None, None, None, None, *["refuse"] * 500])
    with pytest.raises(StoreUnavailableError):
        bucket.put(io.BytesIO(BIG))
    assert list(honest.names()) == []
    proxy.trouble([])
    assert honest.clear_incoming(idle_seconds=0) >= 1
    assert honest.clear_incoming(idle_seconds=0) == 0


def test_a_job_runs_through_a_store_that_errs_all_the_time(
    open_house: Callable[..., AbstractContextManager[Any]],
    stand_in: list[str],
    proxy: Proxy,
    place: dict[str, Any],
    tmp_path: Path,
) -> None:
    draw = random.Random(22)
    with open_house(tmp_path / "home", stand_in, **{**place, "s3_endpoint": proxy.endpoint}) as house:
        proxy.trouble(draw.choice(("500", "503", "refuse", "cut", "deaf", None, None)) for _ in range(100))
        house.start_slot()
        job_id = house.submit({"levels": 3, "steps": 5, "step_seconds": 0.02})
        assert house.wait_for_end(job_id, seconds=120) == "succeeded"
        assert house.job(job_id).attempt == 1
        assert sum(1 for _, trouble in proxy.seen if trouble) > 5
        proxy.trouble([])
        house.check(job_id, state="succeeded")


def test_a_job_whose_store_is_away_for_long_goes_back_without_a_strike_and_succeeds_when_it_is_there_again(
    open_house: Callable[..., AbstractContextManager[Any]],
    stand_in: list[str],
    proxy: Proxy,
    place: dict[str, Any],
    tmp_path: Path,
) -> None:
    with open_house(tmp_path / "home", stand_in, **{**place, "s3_endpoint": proxy.endpoint}) as house:
        proxy.trouble(iter(lambda: "503", ""))
        house.start_slot(WINNOW_STORE_PATIENCE_SECONDS="1")
        job_id = house.submit({"levels": 2, "steps": 5, "step_seconds": 0.02})

        def given_back() -> bool:
            return any(event["data"].get("reason") == "store_unavailable" for event in house.events(job_id, "queued"))

        house.wait_until(given_back, seconds=60, what="the job to be given back")
        assert house.job(job_id).strikes == 0
        proxy.trouble([])
        assert house.wait_for_end(job_id, seconds=60) == "succeeded"
        house.check(job_id, state="succeeded")
