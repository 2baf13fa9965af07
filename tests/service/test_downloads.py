"""service.downloads: a bucket's files are got from the bucket, and whatever that cannot do is done here."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from winnow import Client

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

FILES = {
    "model.safetensors": bytes(range(256)) * 5000,
    "report.json": b"{}",
    "report.html": b"<p>",
    "manifest.json": b"{}",
}
MODEL = FILES["model.safetensors"]
SHA256 = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture(scope="module")
def on_s3(
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
    run_service: Callable[..., Any],
    object_store: "ObjectStore",
) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    with run_service(home, redis_url, **object_store.bucket(), s3_presign=True) as service:
        yield service


@pytest.fixture(scope="module")
def path(on_s3: Any) -> str:
    job_id = on_s3.submit()["id"]
    on_s3.finish(on_s3.claim(job_id), FILES)
    return f"/v1/jobs/{job_id}"


def test_a_download_is_sent_to_the_bucket_and_brings_the_bytes_under_their_name(on_s3: Any, path: str) -> None:
    answer = on_s3.http.get(f"{path}/artifacts/model.safetensors")
    assert answer.status_code == 307
    assert answer.headers["etag"] == f'"{SHA256}"'
    digest = base64.b64encode(hashlib.sha256(MODEL).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert answer.headers["cache-control"] == "no-store"
    there = httpx2.get(answer.headers["location"])
    assert there.content == MODEL
    assert there.headers["content-disposition"] == 'attachment; filename="model.safetensors"'


@pytest.mark.parametrize(
    ("headers", "status", "content"),
    [
        ({"Range": "bytes=10-19"}, 206, MODEL[10:20]),
        ({"Range": "bytes=10-19", "If-Range": f'"{SHA256}"'}, 206, MODEL[10:20]),
        ({"If-Match": f'"{SHA256}"'}, 200, MODEL),
        ({"If-None-Match": f'"{SHA256}"'}, 304, b""),
        ({"If-None-Match": '"other"'}, 200, MODEL),
        ({"If-Match": '"other"'}, 412, None),
    ],
)
def test_what_depends_on_our_etag_is_answered_here(
    on_s3: Any, path: str, headers: dict[str, str], status: int, content: bytes | None
) -> None:
    answer = on_s3.http.get(f"{path}/artifacts/model.safetensors", headers=headers)
    assert answer.status_code == status
    assert content is None or answer.content == content


def test_the_head_alone_is_answered_here(on_s3: Any, path: str) -> None:
    answer = on_s3.http.head(f"{path}/artifacts/model.safetensors")
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(MODEL)))


@pytest.mark.parametrize("name", ["report", "report.html"])
def test_what_a_browser_shows_keeps_its_policy_and_stays_here(on_s3: Any, path: str, name: str) -> None:
    answer = on_s3.http.get(f"{path}/{name}")
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["content-security-policy"]


def test_the_archive_holds_what_lies_in_the_bucket(on_s3: Any, path: str) -> None:
    answer = on_s3.http.get(f"{path}/bundle")
    assert MODEL in answer.content
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_the_client_follows_to_the_bucket_without_its_key_and_verifies(on_s3: Any, path: str, tmp_path: Path) -> None:
    with Client(on_s3.url) as client:
        client.download(path.rpartition("/")[2], tmp_path, names=["model.safetensors"])
    assert (tmp_path / "model.safetensors").read_bytes() == MODEL


def test_a_store_that_is_away_is_a_problem_that_says_when_to_come_back(
    tmp_path: Path, redis_url: str, run_service: Callable[..., Any]
) -> None:
    away = {
        "blob_url": "s3://bucket",
        "s3_endpoint": "http://127.0.0.1:9",
        "s3_access_key_id": "a",
        "s3_secret_access_key": "b",
    }
    with run_service(tmp_path, redis_url, **away) as service:
        answer = service.http.put(f"/v1/blobs/{SHA256}", content=MODEL, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert list(service.incoming.iterdir()) == []
        assert service.http.head(f"/v1/blobs/{SHA256}").status_code == 404
