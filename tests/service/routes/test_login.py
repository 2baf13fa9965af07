"""service.routes.login: a key becomes a cookie that scripts cannot read, pages elsewhere cannot use, and that ends."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2
import pytest

from jobs.access import keys
from jobs.access.keys import NewKey

PAGE = {"Accept": "text/html"}
JOB = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 2, "seed": 0},
}


def make(service: Any, **words: Any) -> NewKey:
    with service.database.write() as conn:
        return keys.create(conn, **{"tenant": "default", "scope": "submit", **words})


@pytest.fixture(scope="module")
def key(service: Any) -> NewKey:
    return make(service)


@pytest.fixture
def browser(service: Any, key: NewKey) -> Iterator[httpx2.Client]:
    """Keeps cookies, and has none yet."""
    with httpx2.Client(base_url=service.url, headers=PAGE) as opened:
        yield opened


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def log_in(browser: httpx2.Client, secret: str, target: str = "/") -> httpx2.Response:
    form = browser.get("/login", params={"next": target})
    assert form.status_code == 200
    fields = {"csrf_token": token_in(form.text), "key": secret, "next": target}
    return browser.post("/login", data=fields)


def csrf_of(browser: httpx2.Client) -> str:
    found = re.search(r'<meta name="csrf-token" content="([0-9a-f]{64})">', browser.get("/").text)
    assert found
    return found[1]


def test_a_page_sends_a_browser_to_the_login_and_back(browser: httpx2.Client, key: NewKey) -> None:
    sent = browser.get("/jobs/job_x?a=1&b=2")
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fjobs%2Fjob_x%3Fa%3D1%26b%3D2")
    form = browser.get(sent.headers["location"])
    fields = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form.text)}
    answer = browser.post("/login", data=fields | {"key": f" {key.secret}\n"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/job_x?a=1&b=2")


def test_programs_are_told_401_and_not_sent_to_a_form(browser: httpx2.Client) -> None:
    assert browser.get("/", headers={"Accept": "*/*"}).status_code == 401
    assert browser.get("/", headers={"Authorization": "Bearer wn_x"}).status_code == 401
    assert browser.post("/v1/jobs", json=JOB).status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(browser: httpx2.Client, key: NewKey) -> None:
    cookies = log_in(browser, key.secret).headers.get_list("set-cookie")
    (cookie,) = [cookie for cookie in cookies if cookie.startswith("winnow_login=")]
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= attributes
    assert "secure" not in attributes
    assert key.secret not in cookie


def test_over_https_the_cookie_never_travels_without(browser: httpx2.Client, key: NewKey) -> None:
    browser.headers["X-Forwarded-Proto"] = "https"
    form = browser.get("/login")
    cookie = form.headers["set-cookie"].partition(";")[0]
    assert "secure" in form.headers["set-cookie"].lower()
    fields = {"csrf_token": token_in(form.text), "key": key.secret}
    answer = browser.post("/login", data=fields, headers={"Cookie": cookie})
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


def test_with_the_cookie_pages_api_stream_and_downloads_work(service: Any, browser: httpx2.Client, key: NewKey) -> None:
    assert log_in(browser, key.secret).status_code == 303
    token = csrf_of(browser)
    job = browser.post("/v1/jobs", json=JOB, headers={"X-CSRF-Token": token}).json()
    taken = service.claim(job["id"])
    service.started(taken)
    service.finish(taken, {"manifest.json": b"{}", "mask.safetensors": b"1234"})
    assert browser.get(f"/jobs/{job['id']}").status_code == 200
    assert browser.get(f"/v1/jobs/{job['id']}").json()["state"] == "succeeded"
    assert browser.get(f"/v1/jobs/{job['id']}/artifacts/mask.safetensors").content == b"1234"
    assert browser.get(f"/v1/jobs/{job['id']}/bundle").status_code == 200
    with browser.stream("GET", f"/v1/jobs/{job['id']}/events", headers={"Accept": "text/event-stream"}) as stream:
        assert "event: job.succeeded" in "".join(stream.iter_text())


@pytest.mark.parametrize("token", [None, "", "0" * 64])
def test_a_write_by_cookie_needs_the_pages_token(browser: httpx2.Client, key: NewKey, token: str | None) -> None:
    log_in(browser, key.secret)
    headers = {} if token is None else {"X-CSRF-Token": token}
    answer = browser.post("/v1/jobs", json=JOB, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_refused")
    assert browser.post("/v1/jobs:validate", json=JOB, headers={"X-CSRF-Token": csrf_of(browser)}).status_code == 200


def test_the_token_of_another_login_is_none(service: Any, browser: httpx2.Client, key: NewKey) -> None:
    with httpx2.Client(base_url=service.url, headers=PAGE) as other:
        log_in(other, key.secret)
        foreign = csrf_of(other)
    log_in(browser, key.secret)
    assert browser.post("/v1/jobs:validate", json=JOB, headers={"X-CSRF-Token": foreign}).status_code == 403


def test_a_write_with_a_key_needs_no_token(browser: httpx2.Client, key: NewKey) -> None:
    log_in(browser, key.secret)
    headers = {"Authorization": f"Bearer {key.secret}"}
    assert browser.post("/v1/jobs:validate", json=JOB, headers=headers).status_code == 200


def test_a_form_that_another_page_made_logs_nobody_in(browser: httpx2.Client, key: NewKey) -> None:
    token = token_in(browser.get("/login").text)
    browser.cookies.clear()
    answer = browser.post("/login", data={"csrf_token": token, "key": key.secret})
    assert (answer.status_code, "too old" in answer.text) == (403, True)
    assert "winnow_login" not in browser.cookies


def test_a_wrong_key_is_told_and_not_repeated(service: Any, browser: httpx2.Client, key: NewKey) -> None:
    revoked = make(service)
    with service.database.write() as conn:
        keys.revoke(conn, revoked.id)
    for secret, words in ((key.secret[:-1], "unknown here"), (revoked.secret, "which is revoked"), ("", "unknown")):
        answer = log_in(browser, secret)
        assert (answer.status_code, words in answer.text) == (401, True)
        assert not secret or secret not in answer.text
        assert "winnow_login" not in browser.cookies


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\tb", "/\n/evil.example"]
)
def test_nobody_is_sent_to_another_site(browser: httpx2.Client, key: NewKey, target: str) -> None:
    assert log_in(browser, key.secret, target).headers["location"] == "/"
    assert browser.get("/login", params={"next": target}).headers["location"] == "/"


def test_whoever_is_in_is_not_asked_again(browser: httpx2.Client, key: NewKey) -> None:
    log_in(browser, key.secret)
    answer = browser.get("/login", params={"next": "/docs"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs")


def test_a_link_on_another_site_leads_in_although_the_cookie_was_kept_back(browser: httpx2.Client) -> None:
    came = browser.get("/login", params={"next": "/jobs/x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert '<meta http-equiv="refresh" content="0; url=/jobs/x">' in came.text
    assert "http-equiv" not in browser.get("/login", params={"next": "/jobs/x"}).text


def test_logging_out_ends_the_login_here_too(service: Any, browser: httpx2.Client) -> None:
    reader = make(service, scope="read")
    log_in(browser, reader.secret)
    kept = browser.cookies["winnow_login"]
    assert browser.post("/logout").status_code == 403
    answer = browser.post("/logout", data={"csrf_token": csrf_of(browser)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "winnow_login" not in browser.cookies
    again = httpx2.get(f"{service.url}/v1/jobs", headers={"Cookie": f"winnow_login={kept}"})
    assert again.status_code == 401


def test_a_revoked_keys_login_is_over(service: Any, browser: httpx2.Client) -> None:
    own = make(service)
    log_in(browser, own.secret)
    assert browser.get("/").status_code == 200
    with service.database.write() as conn:
        keys.revoke(conn, own.id)
    assert browser.get("/").status_code == 303
    assert browser.get("/v1/jobs", headers={"Accept": "*/*"}).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"key=" + b"x" * 10_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % n for n in range(50)), "application/x-www-form-urlencoded", 400),
        (b"key=\xff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 403),
        (b"", "", 403),
    ],
)
def test_what_is_no_form_of_ours_is_refused(browser: httpx2.Client, body: bytes, kind: str, status: int) -> None:
    assert browser.post("/login", content=body, headers={"Content-Type": kind}).status_code == status


def test_what_one_may_see_is_kept_by_no_cache_between(browser: httpx2.Client, key: NewKey) -> None:
    log_in(browser, key.secret)
    for path in ("/", "/v1/jobs"):
        assert "private" in browser.get(path).headers["cache-control"]
    assert "cache-control" not in browser.get("/static/winnow.css").headers


def test_an_open_house_asks_for_nothing(run_service: Any, tmp_path: Any) -> None:
    with run_service(tmp_path, None) as service:
        assert service.http.get("/login").headers["location"] == "/"
        assert service.http.get("/", headers=PAGE).status_code == 200
        # A key of somewhere else is not looked at: there is none here.
        assert service.http.get("/v1/jobs", headers={"Authorization": "Bearer wn_elsewhere"}).status_code == 200
        secret = make(service, tenant="ada").secret
        assert service.http.get("/v1/jobs").status_code == 401
        assert service.http.get("/v1/jobs", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_bound_elsewhere_nobody_enters_an_open_house(run_service: Any, tmp_path: Any) -> None:
    with run_service(tmp_path, None, host="0.0.0.0") as service:
        assert service.http.get("/v1/jobs").status_code == 401
        assert service.http.get("/healthz").status_code == 200
