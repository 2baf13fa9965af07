"""B14: what a client writes stays text in headers, logs, pages and documents."""

import json
import logging
from typing import Any

import httpx2
import pytest

NAMES = [
    "a\r\nSet-Cookie: stolen=1",
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "\x1b[2Jcleared",
    "{{ 7 * 7 }}{% raw %}",
    "\u2028\u2029",
    "</script><script>alert(1)</script>",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_given_back_as_it_came_and_changes_no_header(service: Any, name: str) -> None:
    job = service.submit(name=name)
    answer = service.http.get(f"/v1/jobs/{job['id']}")
    assert (answer.status_code, answer.json()["name"]) == (200, name)
    assert "set-cookie" not in answer.headers
    page = service.http.get(f"/jobs/{job['id']}").text
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "49" not in page.split("<h1>")[1].split("</h1>")[0]


def test_a_name_with_half_a_character_is_refused(service: Any) -> None:
    body = json.dumps({"architecture": "mlp", "name": "\ud800"}).encode()
    answer = service.http.post("/v1/models", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/name")


@pytest.mark.parametrize("field", ["arguments", "recipe"])
def test_half_a_character_anywhere_else_breaks_no_answer(service: Any, field: str) -> None:
    raw: dict[str, Any] = {
        "model": {"architecture": "mlp"},
        "dataset": {"uri": "builtin:digits"},
        "recipe": {"search": "iterative"},
    }
    (raw["model"] if field == "arguments" else raw)[field] = {"\ud800": "\udfff", "search": "iterative"}
    answer = service.http.post(
        "/v1/jobs", content=json.dumps(raw).encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_path_cannot_write_a_line_into_the_log(serve_defect: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = httpx2.get(f"{serve_defect}/defect/%0dERROR%20forged%20line")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    messages = [record.getMessage() for record in caplog.records if record.name == "service.boundary"]
    assert len(messages) == 1
    assert messages[0].isprintable()


def test_an_event_with_line_breaks_is_one_message_of_the_stream(service: Any) -> None:
    job = service.submit(name="x\n\ndata: forged\n\n")
    taken = service.claim(job["id"])
    service.level(taken, 0, 0.9)
    service.finish(taken, {})
    headers = {"Accept": "text/event-stream"}
    text = httpx2.get(f"{service.url}/v1/jobs/{job['id']}/events", headers=headers).text
    logged = service.http.get(f"/v1/jobs/{job['id']}/events").json()["items"]
    assert text.count("\ndata: ") + text.startswith("data: ") == len(logged)
    assert "data: forged" not in text
