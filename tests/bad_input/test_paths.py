"""B6: no string of a request ever becomes a path: every segment and every field, in every spelling."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

CLIMBERS = [
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "..\\..\\windows",
    "/etc/passwd",
    "//etc/passwd",
    "a;b",
    "a#b",
    "a?b=c",
    "nul\x00byte",
    "line\r\nbreak",
    "\u202egnp.tekcit",
    "~root",
    "$(id)",
    "x" * 4096,
    ".",
    "..",
    " ",
    "\ud83c\udf3e".encode("utf-16", "surrogatepass").decode("utf-16"),
]
JOB = {
    "model": {"architecture": "lenet-300-100"},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative"},
}
PLACES = [
    "/v1/blobs/{}",
    "/v1/models/{}",
    "/v1/datasets/{}",
    "/v1/searches/{}/schema",
    "/v1/jobs/{}",
    "/v1/jobs/{}/events",
    "/v1/jobs/{}/logs",
    "/v1/jobs/{}/levels",
    "/v1/jobs/{}/artifacts",
    "/v1/jobs/{}/report.html",
    "/v1/jobs/{}/bundle",
    "/jobs/{}",
    "/static/{}",
]


@pytest.fixture(scope="module")
def job_id(service: Any) -> str:
    made: str = service.submit()["id"]
    service.finish(service.claim(made), {"report.json": b"{}", "manifest.json": b"{}"})
    return made


def _inventory(home: Path) -> set[str]:
    """What lies beside and under the home folder, blobs and the database's own files aside."""
    return {p.name for p in home.parent.iterdir()} | {
        p.name for p in home.iterdir() if not p.name.startswith("winnow.db")
    }


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("raw", [True, False], ids=["as it is", "quoted"])
def test_no_path_segment_reaches_a_file(service: Any, place: str, raw: bool) -> None:
    for climber in CLIMBERS:
        segment = quote(climber, safe="%/.\\;:~$()") if raw else quote(climber, safe="")
        answer = service.http.get(place.format(segment))
        assert answer.status_code in (200, 400, 404, 405, 422), (climber, answer.status_code)
        assert "root:" not in answer.text
        if answer.status_code == 200:
            # Dots were resolved before the request was sent: it asked for something harmless.
            assert ".." in climber or climber in (".", " ", "/etc/passwd", "//etc/passwd", "a?b=c")


def test_no_artifact_name_reaches_a_file(service: Any, job_id: str) -> None:
    for climber in (c for c in CLIMBERS if c not in (".", "..")):  # those a client resolves before it asks
        answer = service.http.get(f"/v1/jobs/{job_id}/artifacts/{quote(climber, safe='')}")
        assert (answer.status_code, answer.json()["code"]) == (
            404,
            "not_found" if "\n" in climber else "artifact_not_found",
        ), climber


def test_no_attempt_number_reaches_another_log(service: Any, job_id: str) -> None:
    for attempt in ("../1", "1/../../x", "-1", "1e3"):
        answer = service.http.get(f"/v1/jobs/{job_id}/logs", params={"attempt": attempt})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:attempt")


def test_no_field_becomes_a_file(service: Any) -> None:
    home = service.settings.home
    before = _inventory(home)
    for climber in CLIMBERS:
        name = climber[:200]
        if "\0" in name:  # which no database keeps
            said = service.post("/v1/jobs", JOB | {"name": name, "labels": {"k": name}})
            assert (said.status_code, [e["pointer"] for e in said.json()["errors"]]) == (422, ["/name", "/labels/k"])
        else:
            accepted = service.submit(name=name, labels={"k": name})
            assert (accepted["name"], accepted["labels"]) == (name, {"k": name})
        for body in (
            {"architecture": climber},
            {"architecture": "mlp", "arguments": {climber: 1}},
            {"architecture": "mlp", "sha256": climber},
        ):
            assert service.post("/v1/models", body).status_code == 422
        for body in ({"uri": climber}, {"sha256": climber}):
            assert service.post("/v1/datasets", body).status_code == 422
        refused = service.post("/v1/jobs", {"model": climber, "dataset": climber, "recipe": {"search": climber}})
        assert refused.status_code == 422
    assert _inventory(home) == before
