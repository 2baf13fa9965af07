"""B7: every route without a key, with one that is unknown, foreign, expired, revoked or too narrow, and under a forged
name. B16: what one tenant has sent or made does not exist for another."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from jobs.access import keys
from jobs.database import Database
from service.app import create_app

UNGUARDED = {"/healthz", "/readyz", "/login", "/docs", "/errors", "/openapi.json"}
"""Spelled here once more, so that a path added to those that are open is one more line that somebody reads."""
DATA = b"bytes of ada"
JOB = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 2, "seed": 0},
}
UNKNOWN = "wn_" + "A" * 43


@dataclass
class Guarded:
    """A service with keys, and what its tenant `ada` has in it."""

    service: Any
    secrets: dict[str, str]
    ids: dict[str, str]

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx2.Response:
        """Send a request as whoever has this key."""
        headers = {"Authorization": f"Bearer {self.secrets[key]}"} if key else {}
        ids = self.ids | ({"name": "iterative"} if path.startswith("/v1/searches/") else {})
        answer: httpx2.Response = self.service.http.request(
            method, path.format(**ids), headers=headers | more.pop("headers", {}), **more
        )
        return answer

    def code(self, *request: Any, **more: Any) -> tuple[int, str | None]:
        """Send a request and give how it was answered."""
        answer = self.ask(*request, **more)
        problem = answer.headers.get("content-type") == "application/problem+json" and answer.content
        return answer.status_code, answer.json()["code"] if problem else None


def make_key(database: Database, **words: Any) -> keys.NewKey:
    with database.write() as conn:
        return keys.create(conn, **words)


@pytest.fixture(scope="module")
def guarded(run_service: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with run_service(tmp_path_factory.mktemp("home"), None) as service:
        made = {
            name: make_key(service.database, tenant=tenant, scope=scope, expires_seconds=seconds)
            for name, tenant, scope, seconds in (
                ("ada", "ada", "admin", None),
                ("submit", "ada", "submit", None),
                ("read", "ada", "read", None),
                ("bob", "bob", "admin", None),
                ("expired", "ada", "admin", 0),
                ("revoked", "ada", "admin", None),
            )
        }
        with service.database.write() as conn:
            keys.revoke(conn, made["revoked"].id)
        secrets = {name: new.secret for name, new in made.items()} | {"unknown": UNKNOWN}
        service.http.headers["Authorization"] = f"Bearer {secrets['ada']}"
        job = service.submit()
        sha256 = service.blob(DATA)
        taken = service.claim(job["id"])
        service.finish(taken, dict.fromkeys(("manifest.json", "report.json", "report.html", "report.md"), b"null"))
        del service.http.headers["Authorization"]
        ids = {"job_id": job["id"], "model_id": job["model"], "dataset_id": job["dataset"], "sha256": sha256}
        yield Guarded(service, secrets, ids | {"name": "report.json"})


def all_routes(app: FastAPI) -> list[tuple[str, str]]:
    return sorted({(method, c.path_format) for c in iter_route_contexts(app.routes) for method in c.methods or ()})


@pytest.fixture(scope="module")
def routes(guarded: Guarded) -> list[tuple[str, str]]:
    found = all_routes(create_app(guarded.service.settings))
    assert len(found) > 30
    return [(method, path) for method, path in found if path and path != "/static"]


@pytest.fixture(scope="module")
def closed(routes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    found = [(method, path) for method, path in routes if path not in UNGUARDED]
    assert len(found) > len(routes) - 12
    return found


@pytest.mark.parametrize("key", [None, "unknown", "expired", "revoked"])
def test_no_route_lets_anybody_in_without_a_valid_key(
    guarded: Guarded, closed: list[tuple[str, str]], key: str | None
) -> None:
    answers = {(method, path): guarded.ask(method, path, key) for method, path in closed}
    assert {request: answer.status_code for request, answer in answers.items() if answer.status_code != 401} == {}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers.values())
    codes = {answer.json()["code"] for (method, _), answer in answers.items() if method != "HEAD"}
    assert codes == {"key_refused" if key else "key_missing"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic YWRhOnNlY3JldA=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \t."},
        {"Authorization": "wn_secret"},
        {"Authorization": ""},
        {"Cookie": "winnow_login="},
        {"Cookie": "winnow_login=x"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
        {"X-Original-URL": "/healthz", "X-Rewrite-URL": "/healthz"},
    ],
)
def test_nothing_that_is_no_key_lets_anybody_in(
    guarded: Guarded, closed: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    assert {guarded.ask(method, path, headers=headers).status_code for method, path in closed} == {401}


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "token"])
def test_a_key_in_an_address_lets_nobody_in(guarded: Guarded, name: str) -> None:
    # Addresses end up in logs and histories.
    assert guarded.code("GET", f"/v1/jobs?{name}={guarded.secrets['ada']}") == (401, "key_missing")


@pytest.mark.parametrize("path", ["//v1/jobs", "/v1/jobs/", "/healthz/../v1/jobs", "/healthz%2f../v1/jobs", "/login/"])
def test_no_spelling_of_a_path_leads_around_the_door(guarded: Guarded, path: str) -> None:
    assert guarded.ask("GET", path).status_code in (401, 404)


def test_what_is_another_tenants_does_not_exist(guarded: Guarded, closed: list[tuple[str, str]]) -> None:
    theirs = [
        (method, path)
        for method, path in closed
        # Whoever sends the bytes himself has them; a search is everybody's.
        if "{" in path and method != "PUT" and not path.startswith("/v1/searches/")
    ]
    assert len(theirs) > 12
    before = guarded.ask("GET", "/v1/jobs/{job_id}", "ada").json()
    body: dict[str, Any] = {"json": {}}
    answers = {
        (method, path): guarded.ask(method, path, "bob", **(body if method == "POST" else {})).status_code
        for method, path in theirs
    }
    # A body that lacks a field may be told so before anything is looked up.
    incomplete = {request for request in theirs if request[1].endswith((":rerun", ":fork", "/exports"))}
    there = {request: status for request, status in answers.items() if status != 404}
    assert {request: there[request] for request in there if request not in incomplete or there[request] != 422} == {}
    mine = {(method, path): guarded.ask(method, path, "ada").status_code for method, path in theirs if method == "GET"}
    assert 404 not in mine.values()
    assert guarded.ask("GET", "/v1/jobs/{job_id}", "ada").json() == before


@pytest.mark.parametrize("kind", ["jobs", "models", "datasets"])
def test_lists_hold_ones_own_alone(guarded: Guarded, kind: str) -> None:
    assert guarded.ask("GET", f"/v1/{kind}", "bob").json()["items"] == []
    assert len(guarded.ask("GET", f"/v1/{kind}", "read").json()["items"]) == 1


def test_a_key_for_reading_changes_nothing(guarded: Guarded, closed: list[tuple[str, str]]) -> None:
    before = guarded.ask("GET", "/v1/jobs/{job_id}", "ada").json()
    writes = [(method, path) for method, path in closed if method not in ("GET", "HEAD") and path != "/logout"]
    assert len(writes) >= 6
    assert {request: guarded.code(*request, "read") for request in writes} == dict.fromkeys(
        writes, (403, "scope_missing")
    )
    assert guarded.ask("GET", "/v1/jobs/{job_id}", "ada").json() == before


def test_a_key_for_reading_reads_everything_but_the_houses_own_figures(
    guarded: Guarded, closed: list[tuple[str, str]]
) -> None:
    reads = [(method, path) for method, path in closed if method in ("GET", "HEAD")]
    for method, path in reads:
        expected = {403} if path == "/metrics" else {200, 409}
        assert guarded.ask(method, path, "read").status_code in expected, path


def test_no_route_is_served_under_a_forged_name(guarded: Guarded, routes: list[tuple[str, str]]) -> None:
    for key in (None, "ada"):
        forged = {"Host": "evil.example"}
        assert {guarded.ask(method, path, key, headers=forged).status_code for method, path in routes} == {403}


def test_open_routes_stay_open(guarded: Guarded) -> None:
    assert {path: guarded.ask("GET", path).status_code for path in UNGUARDED - {"/readyz"}} == dict.fromkeys(
        UNGUARDED - {"/readyz"}, 200
    )
    assert guarded.ask("GET", "/readyz").status_code in (200, 503)
    assert guarded.ask("GET", "/static/winnow.css").status_code == 200


def test_a_route_added_without_a_thought_is_closed(serve_app: Any, backend: Any, tmp_path: Path) -> None:
    def spoil(app: FastAPI) -> None:
        @app.get("/v1/new")
        @app.post("/v1/new")
        def new() -> str:
            return "secret"

    database = Database.open(backend.at(tmp_path))
    secret = make_key(database, tenant="ada", scope="read").secret
    database.close()
    with serve_app(spoil) as url, httpx2.Client(base_url=url) as http:
        assert http.get("/v1/new").status_code == 401
        http.headers["Authorization"] = f"Bearer {secret}"
        assert (http.get("/v1/new").status_code, http.post("/v1/new").status_code) == (200, 403)


def test_bytes_of_another_tenant_are_as_if_never_sent(guarded: Guarded) -> None:
    never = "0" * 64
    for sha256 in (guarded.ids["sha256"], never):
        assert guarded.ask("HEAD", f"/v1/blobs/{sha256}", "bob").status_code == 404
    for path, body in (
        ("/v1/models", {"architecture": "mlp", "arguments": {"in_features": 64, "classes": 10}}),
        ("/v1/datasets", {}),
    ):
        problems = []
        for sha256 in (guarded.ids["sha256"], never):
            problem = guarded.ask("POST", path, "bob", json=body | {"sha256": sha256}).json()
            problem.pop("request_id")
            problems.append(str(problem).replace(sha256[:12], "SHA"))
        assert problems[0] == problems[1]
        assert "no_such_blob" in problems[0]
    assert guarded.ask("HEAD", "/v1/blobs/{sha256}", "ada").status_code == 200


def test_nobody_learns_from_sending_bytes_that_another_tenant_has_sent_them(guarded: Guarded) -> None:
    data = b"sent twice"
    path = f"/v1/blobs/{hashlib.sha256(data).hexdigest()}"
    for key in ("ada", "bob"):
        assert [guarded.ask("PUT", path, key, content=data).status_code for _ in range(2)] == [201, 200]


@pytest.mark.parametrize("field", ["model", "dataset"])
def test_a_job_on_anothers_model_or_data_is_refused_like_one_on_nobodys(guarded: Guarded, field: str) -> None:
    theirs = guarded.ids[f"{field}_id"]
    nobodys = theirs[:-4] + "0000"
    problems = []
    for thing in (theirs, nobodys):
        for path in ("/v1/jobs", "/v1/jobs:validate"):
            problem = guarded.ask("POST", path, "bob", json=JOB | {field: thing}).json()
            problem.pop("request_id")
            problem.pop("instance")
            problems.append(str(problem).replace(thing, "ID"))
    assert len(set(problems)) == 1
    assert guarded.ask("GET", "/v1/jobs", "bob").json()["items"] == []


def test_two_tenants_may_use_the_same_idempotency_key(guarded: Guarded) -> None:
    made = [
        guarded.ask("POST", "/v1/models", key, json={"architecture": "lenet-300-100"}, headers={"Idempotency-Key": "1"})
        for key in ("ada", "bob")
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["id"] != made[1].json()["id"]
    assert "idempotency-replayed" not in made[1].headers


def test_no_log_holds_a_key(guarded: Guarded, closed: list[tuple[str, str]], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = guarded.secrets.values()
    for key, secret in guarded.secrets.items():
        for method, path in closed:
            if method in ("GET", "HEAD"):
                guarded.ask(method, path, key)
        guarded.ask("GET", f"/v1/jobs/{secret}", key)
        guarded.ask("GET", f"/{secret}", key)
        guarded.ask("POST", "/v1/jobs", key, json=JOB | {"model": secret})
    # The test's own client, which is in this process too, writes its addresses down.
    records = [record for record in caplog.records if not record.name.startswith("http")]
    everything = str([(record.getMessage(), vars(record)) for record in records])
    assert "service.audit" in everything
    assert [secret for secret in secrets if secret in everything] == []
    for file in guarded.service.settings.paths.logs.rglob("*"):
        assert not any(secret.encode() in file.read_bytes() for secret in secrets)


def test_every_use_is_written_down_with_its_key_tenant_and_request(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="service.audit")
    for key in ("read", "bob", "revoked", "unknown"):
        guarded.ask("POST", "/v1/jobs/{job_id}:cancel", key, headers={"X-Request-ID": f"by-{key}"})
    said = {record.request_id: record for record in caplog.records if record.name == "service.audit"}  # type: ignore[attr-defined]
    outcomes = {name: (record.outcome, record.tenant) for name, record in said.items()}  # type: ignore[attr-defined]
    assert outcomes == {
        "by-read": ("scope_missing", "ada"),
        "by-bob": ("allowed", "bob"),
        "by-revoked": ("key_refused", None),
        "by-unknown": ("key_refused", None),
    }
    named = {name: record.key is not None for name, record in said.items()}  # type: ignore[attr-defined]
    assert named == {"by-read": True, "by-bob": True, "by-revoked": True, "by-unknown": False}
    assert said["by-bob"].levelno == logging.INFO
    assert said["by-read"].levelno == logging.WARNING
