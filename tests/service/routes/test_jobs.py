"""service.routes.jobs: accepted once, shown as it is, waited for without holding anything, cancelled when asked."""

import threading
import time
from typing import Any

import pytest

from service.catalogue import PROBLEMS

LENET = {"architecture": "lenet-300-100", "seed": 0}
DIGITS = {"uri": "builtin:digits"}
RECIPE = {"search": "iterative", "levels": 3}


def test_a_job_is_accepted_with_its_address(service: Any) -> None:
    answer = service.post("/v1/jobs", {"name": "first", "model": LENET, "dataset": DIGITS, "recipe": RECIPE})
    job = answer.json()
    assert (answer.status_code, job["state"], job["done"]) == (202, "queued", False)
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["recipe"] == RECIPE
    assert job["resolved_recipe"]["training"]["batch_size"] == 60
    assert job["urls"]["self"] == f"{service.url}/v1/jobs/{job['id']}"
    shown = service.http.get(answer.headers["location"])
    assert (shown.status_code, shown.json()["id"], shown.json()["name"]) == (200, job["id"], "first")


def test_a_left_out_seed_is_drawn_and_written_back(service: Any) -> None:
    seeds = {service.submit(recipe=RECIPE)["resolved_recipe"]["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_a_dry_run_says_it_waits_for_what_is_inspected_and_writes_nothing(service: Any) -> None:
    before = service.http.get("/v1/models").json()["items"]
    answer = service.post("/v1/jobs:validate", {"model": LENET, "dataset": DIGITS, "recipe": RECIPE})
    assert (answer.status_code, answer.json()["resolved_recipe"]["levels"]) == (200, 3)
    assert service.http.get("/v1/models").json()["items"] == before


def test_a_dry_run_lays_out_the_plan_once_all_is_known(service: Any) -> None:
    service.submit()
    service.inspect()
    answer = service.post("/v1/jobs:validate", {"model": LENET, "dataset": DIGITS, "recipe": RECIPE})
    plan = answer.json()["plan"]
    assert (answer.status_code, answer.json()["pending"]) == (200, [])
    # 1,437 less a twelfth for validation are 1,318 examples: 21 whole batches of 60.
    assert plan["steps_per_epoch"] == 21
    assert [row["level"] for row in plan["ladder"]] == [0, 1, 2, 3]
    assert plan["test_resolution"] == pytest.approx(1 / 360)


def test_a_plan_that_removes_channels_has_their_shares_for_nobody_here_knows_the_network(service: Any) -> None:
    service.submit()
    service.inspect()
    asked = {"model": LENET, "dataset": DIGITS, "recipe": {**RECIPE, "structure": "channel", "rate": 0.5}}
    plan = service.post("/v1/jobs:validate", asked).json()["plan"]
    assert [row["channel_sparsity"] for row in plan["channels"]["levels"]] == [0.0, 0.5, 0.75, 0.875]
    assert [row["kept"] for row in plan["ladder"]] == [None] * 4
    assert plan["resolved_recipe"]["criterion"] == "l1"
    asked["recipe"]["scope"] = "global"
    refused = service.post("/v1/jobs:validate", asked)
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [
        ("/recipe/scope", "needs_layerwise")
    ]


def test_a_gate_of_latency_asks_for_what_it_looks_at(service: Any) -> None:
    asked = {"model": LENET, "dataset": DIGITS, "gates": {"max_latency_ms": 3}}
    answer = service.post("/v1/jobs:validate", asked | {"recipe": RECIPE})
    assert answer.json()["resolved_recipe"]["gain"] == "always"
    refused = service.post("/v1/jobs:validate", asked | {"recipe": {**RECIPE, "gain": "never"}})
    assert refused.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [
        ("/recipe/gain", "not_measured")
    ]


def test_the_plan_says_where_a_budget_ends_the_search_and_when_a_training_prunes(service: Any) -> None:
    service.submit()
    service.inspect()
    asked = {"model": LENET, "dataset": DIGITS}
    # 21 updates of 60 examples an epoch.
    bounded = {**RECIPE, "training": {"length": "10ep", "batch_size": 60}, "budget": {"samples": 3 * 210 * 60}}
    plan = service.post("/v1/jobs:validate", asked | {"recipe": bounded}).json()["plan"]
    assert (plan["budget"]["ended_by"], plan["budget"]["levels"], plan["levels"]) == ("samples", 2, 2)
    gradual = {**bounded, "budget": None, "schedule_of_pruning": "gradual"}
    plan = service.post("/v1/jobs:validate", asked | {"recipe": gradual}).json()["plan"]
    assert (plan["levels"], plan["gradual"]["prunings"][-1]["kept"]) == (1, plan["ladder"][1]["kept"])
    little = bounded | {"budget": {"samples": 25_199}}
    refused = service.post("/v1/jobs:validate", asked | {"recipe": little})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"], error["code"]) == (422, "/recipe/budget/samples", "budget_too_small")
    assert error["detail"].startswith("expected 25200 samples or more")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"recipe": {"search": "iterative", "target": {"sparsity": 1.0}}}, "/recipe/target/sparsity"),
        ({"recipe": {"search": "iterative", "schedule_of_pruning": "gradual", "rewind": "auto"}}, "/recipe/rewind"),
        ({"recipe": {"search": "iterative", "budget": {}}}, "/recipe/budget"),
        ({"recipe": {"search": "iterative", "structure": "1:7"}}, "/recipe/structure"),
        ({"recipe": {"search": "iterative", "rewind": "3ep", "training": {"length": "63it"}}}, "/recipe/rewind"),
        ({"recipe": RECIPE | {"training": {"precision": "fp16"}}}, "/recipe/training/precision"),
        (
            {
                "recipe": RECIPE
                | {"training": {"label_noise": {"kind": "asymmetric", "fraction": 0.2, "map": {"9": 10}}}}
            },
            "/recipe/training/label_noise/map",
        ),
        (
            {"recipe": RECIPE | {"training": {"length": "2ep", "schedule": {"name": "cosine", "warmup": "42it"}}}},
            "/recipe/training/schedule/warmup",
        ),
        ({"model": {"architecture": "lenet-301"}}, "/model/architecture"),
        ({"model": "mdl_01J9ZD6T2N8Q4R5S6T7V8W9X0Y"}, "/model"),
    ],
)
def test_the_dry_run_refuses_exactly_what_the_real_one_refuses(service: Any, changes: Any, pointer: str) -> None:
    service.submit()
    service.inspect()
    body = {"model": LENET, "dataset": DIGITS, "recipe": RECIPE} | changes
    dry, real = service.post("/v1/jobs:validate", body), service.post("/v1/jobs", body)
    assert (dry.status_code, real.status_code) == (422, 422)
    assert [e["pointer"] for e in dry.json()["errors"]] == [e["pointer"] for e in real.json()["errors"]] == [pointer]
    assert dry.json()["detail"] == real.json()["detail"]


def _text(service: Any, tokens: int) -> str:
    """Register a text of 65 characters, inspected."""
    sha256 = service.blob(f"a text of {tokens} tokens".encode())
    dataset = service.post("/v1/datasets", {"sha256": sha256}).json()["id"]
    splits = {"train": tokens, "test": tokens // 10}
    service.inspect({"task": "next_token", "shape": [], "classes": 65, "splits": splits, "fingerprint": "e" * 64})
    return str(dataset)


def test_a_text_is_planned_in_windows_of_the_networks_context(service: Any) -> None:
    body = {"model": {"architecture": "gpt", "arguments": {"context": 100}}, "dataset": _text(service, 12_000)}
    answer = service.post("/v1/jobs:validate", body | {"recipe": {"search": "iterative", "seed": 0}})
    plan = answer.json()["plan"]
    # 11,000 tokens are left of train: 109 windows and their answers, one whole batch of 64; 11 of test.
    assert (answer.status_code, plan["steps_per_epoch"]) == (200, 1)
    assert plan["test_resolution"] == pytest.approx(1 / 1100)
    assert {layer["kind"] for layer in plan["layers"]} == {"embedding", "attention", "linear"}


@pytest.mark.parametrize(
    ("model", "tokens", "pointer", "expected"),
    [
        ({"architecture": "vit-tiny"}, 12_000, "/model/architecture", "examples with classes for vit-tiny"),
        ({"architecture": "gpt", "arguments": {"vocabulary": 64}}, 12_000, "/dataset", "at most 64 tokens"),
        ({"architecture": "gpt", "arguments": {"context": 1200}}, 12_000, "/dataset", "1201 tokens in validation"),
        ({"architecture": "gpt"}, None, "/model/architecture", "text as tokens for gpt"),
    ],
)
def test_what_cannot_be_read_is_refused(
    service: Any, model: Any, tokens: int | None, pointer: str, expected: str
) -> None:
    service.submit()
    service.inspect()
    dataset = DIGITS if tokens is None else _text(service, tokens)
    body = {"model": model, "dataset": dataset, "recipe": RECIPE}
    for path in ("/v1/jobs:validate", "/v1/jobs"):
        answer = service.post(path, body)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (422, pointer)
        assert expected in error["detail"]


def test_a_job_the_client_has_already_is_not_sent_again(service: Any) -> None:
    job = service.submit()
    first = service.http.get(f"/v1/jobs/{job['id']}")
    again = service.http.get(f"/v1/jobs/{job['id']}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_long_poll_answers_as_soon_as_the_job_changes(service: Any) -> None:
    job = service.submit()
    etag = service.http.get(f"/v1/jobs/{job['id']}").headers["etag"]
    timer = threading.Timer(0.3, service.post, (f"/v1/jobs/{job['id']}:cancel", None))
    timer.start()
    began = time.monotonic()
    answer = service.http.get(f"/v1/jobs/{job['id']}", params={"wait": 20}, headers={"If-None-Match": etag})
    took = time.monotonic() - began
    timer.join()
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert 0.25 < took < 5


def test_a_long_poll_whose_time_is_up_says_that_nothing_changed(service: Any) -> None:
    job = service.submit()
    etag = service.http.get(f"/v1/jobs/{job['id']}").headers["etag"]
    answer = service.http.get(f"/v1/jobs/{job['id']}", params={"wait": 0.2}, headers={"If-None-Match": etag})
    assert answer.status_code == 304


def test_a_long_poll_on_a_job_that_is_over_answers_at_once(service: Any) -> None:
    job = service.submit()
    service.post(f"/v1/jobs/{job['id']}:cancel", None)
    began = time.monotonic()
    answer = service.http.get(f"/v1/jobs/{job['id']}", params={"wait": 30})
    assert (answer.status_code, answer.json()["done"]) == (200, True)
    assert time.monotonic() - began < 3


def test_forty_long_polls_do_not_hold_up_anybody_else(service: Any) -> None:
    job = service.submit()
    polls = [
        threading.Thread(target=service.http.get, args=(f"/v1/jobs/{job['id']}",), kwargs={"params": {"wait": 25}})
        for _ in range(40)
    ]
    for poll in polls:
        poll.start()
    assert service.http.get("/healthz").status_code == 200
    assert service.http.get(f"/v1/jobs/{job['id']}").status_code == 200
    assert all(poll.is_alive() for poll in polls)
    service.post(f"/v1/jobs/{job['id']}:cancel", None)
    for poll in polls:
        poll.join()


def test_cancelling_twice_gives_the_same_answer(service: Any) -> None:
    job = service.submit()
    answers = [service.post(f"/v1/jobs/{job['id']}:cancel", None) for _ in range(2)]
    assert [(a.status_code, a.json()["state"]) for a in answers] == [(202, "cancelled")] * 2


def test_a_running_job_is_cancelling_until_its_worker_has_stopped(service: Any) -> None:
    job = service.submit()
    service.claim(job["id"])
    answer = service.post(f"/v1/jobs/{job['id']}:cancel", None)
    assert (answer.status_code, answer.json()["state"], answer.json()["done"]) == (202, "cancelling", False)


def test_a_job_that_has_succeeded_cannot_be_cancelled(service: Any) -> None:
    job = service.submit()
    service.finish(service.claim(job["id"]), {})
    answer = service.post(f"/v1/jobs/{job['id']}:cancel", None)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    assert (answer.json()["state"], answer.json()["allowed"]) == ("succeeded", [])


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_job_there_is_not_is_a_problem(service: Any, method: str) -> None:
    path = "/v1/jobs/job_01J9ZD6T2N8Q4R5S6T7V8W9X0Y" + (":cancel" if method == "post" else "")
    answer = service.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def test_jobs_are_listed_by_page_and_stay_put_while_more_come(service: Any) -> None:
    mine = [service.submit(labels={"page": "1"})["id"] for _ in range(5)]
    query = {"label.page": "1", "page_size": 2}
    seen, token = [], None
    while True:
        page = service.http.get("/v1/jobs", params=query | ({"page_token": token} if token else {})).json()
        seen += [job["id"] for job in page["items"]]
        service.submit(labels={"page": "1"})
        token = page["next_page_token"]
        if token is None:
            break
    assert seen == mine[::-1]


def test_a_list_can_be_narrowed(service: Any) -> None:
    job = service.submit(labels={"narrow": "yes"})
    other = service.submit(labels={"narrow": "yes"})
    service.post(f"/v1/jobs/{other['id']}:cancel", None)
    found = service.http.get("/v1/jobs", params={"state": "queued", "label.narrow": "yes", "search": "iterative"})
    assert [item["id"] for item in found.json()["items"]] == [job["id"]]
    late = service.http.get("/v1/jobs", params={"created_after": "2999-01-01T00:00:00Z"})
    assert (late.status_code, late.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "sleeping"), ("page_token", "garbage"), ("created_after", "yesterday"), ("order", "name")],
)
def test_a_bad_filter_is_named(service: Any, name: str, value: str) -> None:
    answer = service.http.get("/v1/jobs", params={name: value})
    assert answer.status_code == PROBLEMS["invalid_request"].status
    assert answer.json()["errors"][0]["pointer"] == f"query:{name}"
