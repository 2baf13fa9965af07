"""What a client may ask of a job, over HTTP: pause and resume, cancel, run again, fork, delete; all as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobs import grants
from jobs.attempts import keep_log
from jobs.blobs import Stored
from jobs.events import NewEvent
from jobs.leases import Checkpoint, Failed, NewLevel, Stopped, commit, finish

if TYPE_CHECKING:
    from jobs.leases import Claim
    from tests.service.conftest import Service


def reach(service: Service, taken: Claim, level: int) -> str:
    """Play a worker that has come to a level and saved it, and give the digest of the checkpoint."""
    facts = {"replicate": 0, "level": level}
    sha256 = f"{level:064x}"
    commit(
        service.database,
        taken.lease,
        events=[
            *(NewEvent(kind, facts) for kind in ("job.mask_drawn", "job.level_completed")),
            NewEvent("job.checkpoint_saved", {"number": level}),
        ],
        checkpoint=Checkpoint(level, sha256, 10, facts | {"stage": "search", "branch": "ticket", "step": 0}, {}),
        levels=[NewLevel(0, level, 100, 1000, 0.9, {"validation_accuracy": 0.9})],
    )
    return sha256


def failed(service: Service, *, levels: int = 2, **changes: Any) -> str:
    """Submit a job and play a worker whose run got somewhere and failed."""
    job = service.submit(**changes)
    taken = service.claim(job["id"])
    for level in range(1, levels + 1):
        reach(service, taken, level)
    finish(service.database, taken.lease, outcome=Failed({"code": "diverged", "detail": "no longer finite"}))
    return str(job["id"])


def ask(service: Service, job_id: str, verb: str, body: Any = None, **headers: str) -> Any:
    if body is None:
        return service.http.post(f"/v1/jobs/{job_id}:{verb}")
    return service.post(f"/v1/jobs/{job_id}:{verb}", body, **headers)


def test_a_job_is_paused_and_resumed(service: Service) -> None:
    job = service.submit()
    paused = ask(service, job["id"], "pause")
    assert (paused.status_code, paused.json()["state"], paused.json()["done"]) == (202, "paused", False)
    assert paused.json()["pause_expires_at"] > paused.json()["created_at"]
    resumed = ask(service, job["id"], "resume").json()
    assert (resumed["state"], resumed["reason"], resumed["pause_expires_at"]) == ("queued", "resumed", None)


def test_a_running_job_is_pausing_until_its_worker_has_stopped(service: Service) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    assert ask(service, job_id, "pause").json()["state"] == "pausing"
    assert job_id in [item["id"] for item in service.http.get("/v1/jobs?state=pausing").json()["items"]]
    finish(service.database, taken.lease, outcome=Stopped())
    assert service.http.get(f"/v1/jobs/{job_id}").json()["state"] == "paused"
    assert job_id in [item["id"] for item in service.http.get("/v1/jobs?state=paused").json()["items"]]


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_what_cannot_be_is_told_with_what_can(service: Service, verb: str) -> None:
    answer = ask(service, failed(service), verb)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    assert (answer.json()["state"], answer.json()["allowed"]) == ("failed", [])


@pytest.mark.parametrize(("body", "left"), [(None, 1), ({}, 1), ({"keep": "levels"}, 1), ({"keep": "none"}, 0)])
def test_a_cancel_says_what_stays(service: Service, body: Any, left: int) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    reach(service, taken, 1)
    assert ask(service, job_id, "cancel", body).json()["state"] == "cancelling"
    finish(service.database, taken.lease, outcome=Stopped())
    assert len(service.http.get(f"/v1/jobs/{job_id}/levels").json()["items"]) == left


def test_a_word_that_is_none_is_refused(service: Service) -> None:
    job_id = service.submit()["id"]
    for verb, body in (("cancel", {"keep": "all"}), ("rerun", {"start": "there"}), ("fork", {"from_level": 0})):
        answer = ask(service, job_id, verb, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(body))}"


def test_a_job_is_run_again_as_another_that_names_it(service: Service) -> None:
    first = failed(service, name="mine")
    answer = ask(service, first, "rerun")
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/jobs/{made['id']}")
    assert (made["state"], made["attempt"], made["name"]) == ("queued", 0, "mine")
    assert made["origin"] == {"kind": "rerun", "job": first, "level": None, "checkpoint": f"{2:064x}"}
    assert len(service.http.get(f"/v1/jobs/{made['id']}/levels").json()["items"]) == 2
    anew = ask(service, first, "rerun", {"start": "scratch"}).json()
    assert anew["origin"]["checkpoint"] is None


@pytest.mark.parametrize(("verb", "body"), [("rerun", {"start": "scratch"}), ("fork", {"from_level": 1})])
def test_a_request_sent_twice_makes_one_job(service: Service, verb: str, body: Any) -> None:
    first = failed(service)
    key = {"Idempotency_Key": f"{verb}-{first}"}
    answers = [ask(service, first, verb, body, **key) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_a_job_that_goes_on_is_not_run_again(service: Service) -> None:
    answer = ask(service, service.submit()["id"], "rerun")
    assert (answer.status_code, answer.json()["state"]) == (409, "queued")


def test_a_fork_starts_from_its_parents_level_under_a_recipe_of_its_own(service: Service) -> None:
    first = failed(service)
    parent = service.http.get(f"/v1/jobs/{first}").json()
    answer = ask(service, first, "fork", {"from_level": 2, "recipe": {"levels": 5, "rate": 0.5}, "name": "steeper"})
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert made["origin"] == {"kind": "fork", "job": first, "level": 2, "checkpoint": f"{2:064x}"}
    assert made["name"] == "steeper"
    recipe = made["resolved_recipe"]
    assert (recipe["levels"], recipe["rate"]["default"]) == (5, 0.5)
    assert recipe["training"] == parent["resolved_recipe"]["training"]
    assert made["progress"]["levels_total"] == 5
    taken = service.claim(made["id"])
    assert taken.origin is not None
    assert taken.origin["start"]["level"] == 2
    assert taken.checkpoints == ()


def test_a_running_job_can_be_forked_too(service: Service) -> None:
    job_id = service.submit()["id"]
    reach(service, service.claim(job_id), 1)
    assert ask(service, job_id, "fork", {"from_level": 1}).status_code == 202


@pytest.mark.parametrize("level", [3, 60])
def test_a_level_that_no_checkpoint_holds_cannot_be_forked(service: Service, level: int) -> None:
    answer = ask(service, failed(service), "fork", {"from_level": level})
    assert (answer.status_code, answer.json()["code"]) == (409, "level_not_kept")


def test_a_fork_is_refused_for_what_a_job_would_be_refused_for(service: Service) -> None:
    first = failed(service)
    for recipe, pointer in (({"rate": 2}, "/recipe/rate"), ({"seed": 5}, "/recipe/seed")):
        answer = ask(service, first, "fork", {"from_level": 2, "recipe": recipe})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_recipe")
        assert answer.json()["errors"][0]["pointer"].startswith(pointer)


def test_a_done_job_is_deleted_and_one_that_goes_on_is_not(service: Service) -> None:
    done, waiting = failed(service), service.submit()["id"]
    assert service.http.delete(f"/v1/jobs/{done}").status_code == 204
    assert service.http.get(f"/v1/jobs/{done}").status_code == 404
    assert service.http.delete(f"/v1/jobs/{done}").json()["code"] == "job_not_found"
    refused = service.http.delete(f"/v1/jobs/{waiting}")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["cancel", "pause"])


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "rerun", "fork"])
def test_a_job_that_is_none_is_not_found(service: Service, verb: str) -> None:
    answer = ask(service, "job_none", verb, {"from_level": 1} if verb == "fork" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def test_limits_and_the_earliest_start_are_shown_as_they_were_sent(service: Service) -> None:
    job = service.submit(limits={"max_running_seconds": 60}, not_before="2100-01-01T00:00:00Z")
    assert job["limits"] == {"max_queued_seconds": None, "max_running_seconds": 60.0}
    assert job["not_before"] == "2100-01-01T00:00:00.000Z"


def test_the_log_of_a_job_that_ran_on_another_host_is_there(service: Service) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    with service.blobs.writer() as writer:
        writer.write(b"epoch 1\nepoch 2\n")
        printed: Stored = writer.finish()
    with service.database.write() as conn:
        grants.record(conn, tenant=taken.lease.tenant, stored=printed)
    keep_log(service.database, taken.lease, printed)
    finish(service.database, taken.lease, outcome=Failed({"code": "diverged", "detail": "x"}))
    assert service.http.get(f"/v1/jobs/{job_id}/logs?tail=1").text == "epoch 2\n"
    assert service.http.get(f"/v1/jobs/{job_id}/logs?attempt=7").text == ""


def test_another_file_of_a_finished_ticket_is_asked_for_as_a_job(service: Service) -> None:
    job = service.submit()
    taken = service.claim(job["id"])
    assert service.post(f"/v1/jobs/{job['id']}/exports", {"target": "onnx"}).json()["code"] == "invalid_transition"
    reach(service, taken, 1)
    service.finish(taken, {})
    answers = [service.post(f"/v1/jobs/{job['id']}/exports", {"target": "onnx"}, Idempotency_Key="e") for _ in range(2)]
    made = answers[0].json()
    assert (answers[0].status_code, answers[0].headers["location"]) == (202, f"/v1/jobs/{made['id']}")
    assert (made["origin"]["kind"], made["origin"]["job"]) == ("export", job["id"])
    assert (made["resolved_recipe"]["outputs"], made["gates"]) == (["onnx"], {})
    assert answers[1].json()["id"] == made["id"]
    refused = service.post(f"/v1/jobs/{job['id']}/exports", {"target": "tflite"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/target")
    assert service.post("/v1/jobs/job_none/exports", {"target": "onnx"}).json()["code"] == "job_not_found"
