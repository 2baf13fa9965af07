"""service.boundary: what holds for every request, and every way out is a problem."""

import http.client
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from service.boundary import MAX_JSON_BYTES

JOBS = "/v1/jobs"


@pytest.mark.parametrize(
    "host", ["example.com", "localhost.evil.com:8000", "a@127.0.0.1", "127.0.0.1:99999999", "[::1"]
)
def test_a_request_under_another_name_is_refused(service: Any, host: str) -> None:
    answer = service.http.get(JOBS, headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "[::1]:8000"])
def test_a_request_under_a_loopback_name_is_served(service: Any, host: str) -> None:
    assert service.http.get(JOBS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
    ],
)
def test_a_write_for_a_page_of_another_site_is_refused(service: Any, headers: dict[str, str]) -> None:
    answer = service.http.post(f"{JOBS}:validate", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_refused")
    assert service.http.get(JOBS, headers=headers).status_code == 200


def test_a_write_of_our_own_page_is_taken(service: Any) -> None:
    headers = {"Origin": service.url, "Sec-Fetch-Site": "same-origin"}
    assert service.http.post("/v1/models", json={"architecture": "mlp"}, headers=headers).status_code == 201


def test_a_request_id_is_given_back(service: Any) -> None:
    answer = service.http.get(f"{JOBS}/none", headers={"X-Request-ID": "mine-1.2_3"})
    assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("mine-1.2_3", "mine-1.2_3")


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "semi;colon"])
def test_a_request_id_that_could_spoil_a_log_is_replaced(service: Any, given: str) -> None:
    assert service.http.get(JOBS, headers={"X-Request-ID": given}).headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/nothing.css", 404, "not_found"),
        ("GET", "/static/../app.py", 404, "not_found"),
        ("POST", "/v1/jobs/x:explode", 404, "not_found"),
        ("DELETE", JOBS, 405, "method_not_allowed"),
        ("OPTIONS", JOBS, 405, "method_not_allowed"),
        ("POST", "/static/winnow.css", 405, "method_not_allowed"),
        ("GET", "/v1/jobs:validate", 405, "method_not_allowed"),
    ],
)
def test_a_wrong_path_or_method_is_a_problem(service: Any, method: str, path: str, status: int, code: str) -> None:
    answer = service.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "allow"),
    [(JOBS, "GET, POST"), ("/v1/jobs:validate", "POST"), ("/v1/blobs/" + "0" * 64, "HEAD, PUT"), ("/", "GET")],
)
def test_a_wrong_method_is_told_which_ones_there_are(service: Any, path: str, allow: str) -> None:
    assert service.http.request("PATCH", path).headers["allow"] == allow


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_what_a_form_could_send_is_refused(service: Any, kind: str) -> None:
    answer = service.http.post(JOBS, content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b"[1,", b'{"a":' * 100_000, b"9" * 5000])
def test_a_body_that_is_no_json_is_refused(service: Any, body: bytes) -> None:
    answer = service.http.post(JOBS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) in {(400, "malformed_request"), (422, "invalid_request")}


def test_a_declared_length_over_the_limit_is_refused_before_the_body_is_sent(service: Any) -> None:
    with closing(_connect(service)) as raw:
        raw.putrequest("POST", JOBS)
        raw.putheader("Content-Type", "application/json")
        raw.putheader("Content-Length", str(MAX_JSON_BYTES + 1))
        raw.endheaders()
        answer = raw.getresponse()  # not a byte of the body was sent
        assert (answer.status, answer.getheader("content-type")) == (413, "application/problem+json")


def test_a_body_without_length_is_counted_and_cut_off(service: Any) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 65536

    answer = service.http.post(JOBS, content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_client_that_goes_away_is_no_error_of_ours(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    with closing(_connect(service)) as raw:
        raw.putrequest("PUT", "/v1/blobs/" + "0" * 64)
        raw.putheader("Content-Length", "1000000")
        raw.endheaders(b"only the beginning")
        raw.sock.shutdown(socket.SHUT_RDWR)
    assert service.http.get("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def _connect(service: Any) -> Any:
    return http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)


def test_a_defect_is_told_without_its_inside_and_logged_under_its_id(
    serve_app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(app: FastAPI) -> None:
        @app.get("/defect")
        def defect() -> None:
            raise RuntimeError("SELECT secret FROM /etc/passwd")

    with serve_app(spoil) as url, httpx2.Client(base_url=url) as http_client:
        answer = http_client.get("/defect", headers={"X-Request-ID": "find-me"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "find-me" in caplog.text
    assert "SELECT secret" in caplog.text


def test_a_database_that_is_away_is_told_with_when_to_come_back(serve_app: Any) -> None:
    def spoil(app: FastAPI) -> None:
        @app.get("/away")
        def away() -> None:
            raise OperationalError("SELECT 1", {}, Exception("disk I/O error"))

    with serve_app(spoil) as url, httpx2.Client(base_url=url) as http_client:
        answer = http_client.get("/away")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "SELECT" not in answer.text
