"""service.routes.artifacts, reports: the bytes as they were made, in whole or in part, and the level that is meant."""

import base64
import hashlib
import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MODEL = bytes(range(256)) * 17
FILES = {
    "model.safetensors": MODEL,
    "mask.safetensors": b"mask",
    "report.json": json.dumps({"levels": []}).encode(),
    "report.html": b"<!doctype html><p>evidence",
    "report.md": b"# card",
    "manifest.json": b"{}",
    "SHA256SUMS": b"",
    "levels/00/mask.safetensors": b"mask 0",
    "levels/01/mask.safetensors": b"mask 1",
    "levels/02/mask.safetensors": b"mask 2",
}


@pytest.fixture(scope="module")
def job_id(service: Any) -> str:
    """A job that has succeeded: levels at sparsity 0, 0.2, 0.36 with validation 0.95, 0.96, 0.90."""
    made: str = service.submit()["id"]
    taken = service.claim(made)
    for level, accuracy in enumerate((0.95, 0.96, 0.90)):
        service.level(taken, level, accuracy)
        service.level(taken, level, 0.1, replicate=1)
    service.finish(taken, FILES)
    return made


def _get(service: Any, job_id: str, name: str = "model.safetensors", **headers: str) -> Any:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return service.http.get(f"/v1/jobs/{job_id}/artifacts/{name}", headers=named)


def test_artifacts_are_listed_with_digest_size_and_address(service: Any, job_id: str) -> None:
    items = service.http.get(f"/v1/jobs/{job_id}/artifacts").json()["items"]
    assert {item["name"]: item["bytes"] for item in items} == {name: len(data) for name, data in FILES.items()}
    model = next(item for item in items if item["name"] == "model.safetensors")
    assert model["sha256"] == hashlib.sha256(MODEL).hexdigest()
    assert service.http.get(model["url"]).content == MODEL


def test_a_file_comes_with_its_digest_as_etag_and_as_repr_digest(service: Any, job_id: str) -> None:
    answer = _get(service, job_id)
    digest = hashlib.sha256(MODEL)
    assert (answer.status_code, answer.content) == (200, MODEL)
    assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["content-disposition"] == 'attachment; filename="model.safetensors"'
    assert "last-modified" not in answer.headers


def test_head_says_what_get_would_send(service: Any, job_id: str) -> None:
    path = f"/v1/jobs/{job_id}/artifacts/model.safetensors"
    head, whole = service.http.head(path), service.http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-type", "repr-digest", "accept-ranges"):
        assert head.headers[name] == whole.headers[name]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(first=st.integers(0, len(MODEL) - 1), last=st.integers(0, len(MODEL) + 5000))
def test_a_range_is_that_part_of_the_whole(service: Any, job_id: str, first: int, last: int) -> None:
    answer = _get(service, job_id, Range=f"bytes={first}-{last}")
    if last < first:
        assert (answer.status_code, answer.content) == (200, MODEL)  # RFC 9110: an invalid range is no range
        return
    end = min(last, len(MODEL) - 1)
    assert (answer.status_code, answer.content) == (206, MODEL[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{end}/{len(MODEL)}"


@pytest.mark.parametrize(
    ("header", "status", "body"),
    [
        ("bytes=-10", 206, MODEL[-10:]),
        ("bytes=4350-", 206, MODEL[4350:]),
        ("bytes=-99999", 206, MODEL),
        ("bytes=0-0,5-9", 200, MODEL),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(4000)), 200, MODEL),
        ("lines=1-2", 200, MODEL),
        ("bytes=a-b", 200, MODEL),
    ],
    ids=["suffix", "to the end", "long suffix", "two", "four thousand", "another unit", "no numbers"],
)
def test_other_ranges(service: Any, job_id: str, header: str, status: int, body: bytes) -> None:
    answer = _get(service, job_id, Range=header)
    assert (answer.status_code, answer.content) == (status, body)


@pytest.mark.parametrize("header", ["bytes=4352-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(service: Any, job_id: str, header: str) -> None:
    answer = _get(service, job_id, Range=header)
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(MODEL)}"


def test_a_range_of_another_version_is_not_given(service: Any, job_id: str) -> None:
    etag = _get(service, job_id).headers["etag"]
    assert _get(service, job_id, Range="bytes=0-3", If_Range=etag).status_code == 206
    other = _get(service, job_id, Range="bytes=0-3", If_Range='"0000"')
    assert (other.status_code, other.content) == (200, MODEL)


def test_conditions_are_kept(service: Any, job_id: str) -> None:
    etag = _get(service, job_id).headers["etag"]
    assert _get(service, job_id, If_None_Match=f'"x", {etag}').status_code == 304
    assert _get(service, job_id, If_Match=etag).status_code == 200
    refused = _get(service, job_id, If_Match='"x"')
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"sparsity": 0}, b"mask 0"),
        ({"sparsity": 0.2}, b"mask 1"),
        ({"sparsity": 0.21}, b"mask 2"),
        ({"max_accuracy_drop": 0}, b"mask 1"),
        ({"max_accuracy_drop": 0.05}, b"mask 2"),
    ],
)
def test_a_sparsity_or_an_accuracy_picks_the_level(service: Any, job_id: str, query: Any, body: bytes) -> None:
    answer = service.http.get(f"/v1/jobs/{job_id}/artifacts/mask.safetensors", params=query)
    assert (answer.status_code, answer.content) == (200, body)


@pytest.mark.parametrize(
    ("name", "query", "status", "code"),
    [
        ("model.safetensors", {"sparsity": 0.2}, 409, "level_not_kept"),
        ("mask.safetensors", {"sparsity": 0.99}, 422, "invalid_request"),
        ("mask.safetensors", {"sparsity": 0.2, "max_accuracy_drop": 0.1}, 422, "invalid_request"),
        ("mask.safetensors", {"sparsity": "nan"}, 422, "invalid_request"),
        ("nothing.txt", {"sparsity": 0.2}, 404, "artifact_not_found"),
        ("nothing.txt", {}, 404, "artifact_not_found"),
    ],
)
def test_a_file_there_is_not_is_told_why(
    service: Any, job_id: str, name: str, query: Any, status: int, code: str
) -> None:
    answer = service.http.get(f"/v1/jobs/{job_id}/artifacts/{name}", params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_levels_are_listed_by_search_and_level(service: Any, job_id: str) -> None:
    rows = service.http.get(f"/v1/jobs/{job_id}/levels").json()["items"]
    assert [(row["replicate"], row["level"]) for row in rows] == [(r, k) for r in (0, 1) for k in (0, 1, 2)]
    assert rows[2]["validation_accuracy"] == 0.90


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("report", "application/json", "report.json"),
        ("report.html", "text/html; charset=utf-8", "report.html"),
        ("report.md", "text/markdown; charset=utf-8", "report.md"),
    ],
)
def test_the_report_comes_in_three_forms(service: Any, job_id: str, path: str, kind: str, name: str) -> None:
    answer = service.http.get(f"/v1/jobs/{job_id}/{path}")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, FILES[name], kind)


def test_a_report_page_can_do_nothing_in_a_browser(service: Any, job_id: str) -> None:
    policy = service.http.get(f"/v1/jobs/{job_id}/report.html").headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy


def test_the_bundle_is_everything_in_one_archive_of_the_announced_length(service: Any, job_id: str) -> None:
    answer = service.http.get(f"/v1/jobs/{job_id}/bundle")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-tar")
    assert int(answer.headers["content-length"]) == len(answer.content)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        came = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert came == {f"{job_id}/{name}": data for name, data in (FILES | {"README.md": FILES["report.md"]}).items()}


@pytest.mark.parametrize("path", ["report", "report.html", "report.md", "bundle", "artifacts/model.safetensors"])
def test_a_job_that_has_made_nothing_says_where_it_is(service: Any, path: str) -> None:
    waiting = service.submit()["id"]
    answer = service.http.get(f"/v1/jobs/{waiting}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "artifact_not_found")
    assert "the job is queued" in answer.json()["detail"]
