"""winnow.connection: what may be tried again is, what is refused is told, every POST happens once."""

import json
from typing import Any

import pytest

from winnow.connection import Connection
from winnow.errors import ConflictError, InvalidRequestError, RateLimitError, ServiceError, TransportError
from winnow.retries import Patience


def test_a_service_that_is_away_for_a_moment_is_asked_again(script: Any) -> None:
    script.say_json({"code": "unavailable"}, 503)
    script.say_json({"ok": True})
    assert script.connection().get("/v1/jobs") == {"ok": True}
    assert len(script.asked) == 2


def test_a_pause_the_service_asks_for_is_kept(script: Any) -> None:
    script.say_json({"code": "rate_limited"}, 429, {"Retry-After": "3"})
    script.say_json({})
    script.connection().get("/v1/jobs")
    assert script.naps == [3.75]


def test_a_pause_too_long_to_sleep_is_handed_to_the_caller(script: Any) -> None:
    script.say_json({"code": "quota_exceeded"}, 429, {"Retry-After": "3600"})
    with pytest.raises(RateLimitError) as caught:
        script.connection().get("/v1/jobs")
    assert caught.value.retry_after_seconds == 3600
    assert script.naps == []


def test_patience_ends(script: Any) -> None:
    script.say_json({"code": "unavailable"}, 503)
    with pytest.raises(ServiceError):
        script.connection(Patience(attempts=3)).get("/v1/jobs")
    assert len(script.asked) == 3


def test_a_refusal_is_not_tried_again(script: Any) -> None:
    script.say_json({"code": "invalid_recipe", "errors": [{"pointer": "/recipe/levels", "detail": "got 0"}]}, 422)
    with pytest.raises(InvalidRequestError, match="/recipe/levels: got 0"):
        script.connection().post("/v1/jobs", {})
    assert len(script.asked) == 1


def test_an_earlier_try_that_is_still_being_answered_is_waited_for(script: Any) -> None:
    script.say_json({"code": "idempotency_key_in_flight"}, 409)
    script.say_json({"id": "job_1"}, 202, {"Idempotency-Replayed": "true"})
    assert script.connection().post("/v1/jobs", {}) == {"id": "job_1"}


def test_another_conflict_is_not_tried_again(script: Any) -> None:
    script.say_json({"code": "invalid_transition", "state": "succeeded", "allowed": []}, 409)
    with pytest.raises(ConflictError):
        script.connection().post("/v1/jobs/job_1:cancel")
    assert len(script.asked) == 1


def test_a_cut_connection_is_tried_again(script: Any) -> None:
    script.say(body=b'{"ok": true}', cut_after=3)
    script.say_json({"ok": True})
    assert script.connection().get("/v1/jobs") == {"ok": True}


def test_a_repeated_post_carries_one_idempotency_key(script: Any) -> None:
    script.say_json({"code": "unavailable"}, 503)
    script.say_json({"id": "job_1"})
    script.connection().post("/v1/jobs", {"recipe": {}})
    keys = {asked.headers["Idempotency-Key"] for asked in script.asked}
    assert len(script.asked) == 2
    assert len(keys) == 1
    assert {asked.body for asked in script.asked} == {json.dumps({"recipe": {}}, separators=(",", ":")).encode()}


def test_two_posts_carry_different_keys(script: Any) -> None:
    script.say_json({})
    connection = script.connection()
    connection.post("/v1/jobs", {})
    connection.post("/v1/jobs", {})
    assert len({asked.headers["Idempotency-Key"] for asked in script.asked}) == 2


def test_the_key_travels_as_a_bearer_token(script: Any) -> None:
    script.say_json({})
    script.connection().get("/v1/jobs")
    assert script.asked[0].headers["Authorization"] == "Bearer key"


def test_nobody_there_is_a_transport_error_that_names_the_address() -> None:
    # Port 9 (discard) is served by nobody on a test machine; connecting is refused at once.
    connection = Connection("http://127.0.0.1:9", patience=Patience(attempts=2), sleep=lambda seconds: None)
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:9"):
        connection.get("/v1/jobs")


def test_an_answer_that_is_no_json_is_a_transport_error(script: Any) -> None:
    script.say(body=b"<html>", headers={"Content-Type": "text/html"})
    with pytest.raises(TransportError, match="text/html"):
        script.connection().get("/v1/jobs")


def test_a_redirect_is_not_followed(script: Any) -> None:
    script.say(302, headers={"Location": "http://elsewhere.invalid/"})
    with pytest.raises(TransportError, match="redirect"):
        script.connection().get("/v1/jobs")
