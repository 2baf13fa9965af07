"""service.routes.events: every event once and in order, however often a reader comes back; progress in between."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

TERMINAL = ("job.succeeded", "job.failed", "job.cancelled")
Message = tuple[str | None, str | None, Any]


def _messages(lines: Iterator[str]) -> Iterator[Message]:
    """Read a stream as a browser does: (id, event, data)."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields.get("id"), fields.get("event"), json.loads(fields["data"])
            fields = {}
        else:
            fields = {}


def _listen(service: Any, job_id: str, last: int | None = None) -> Iterator[Message]:
    headers = {"Accept": "text/event-stream"} | ({} if last is None else {"Last-Event-ID": str(last)})
    with httpx2.stream("GET", f"{service.url}/v1/jobs/{job_id}/events", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield from _messages(answer.iter_lines())


def _finished(service: Any) -> str:
    job_id: str = service.submit()["id"]
    taken = service.claim(job_id)
    service.started(taken)
    for level in range(4):
        service.level(taken, level, 0.95)
    service.finish(taken, {"manifest.json": b"{}"})
    return job_id


def test_a_page_holds_the_events_after_a_seq(service: Any) -> None:
    job_id = _finished(service)
    first = service.http.get(f"/v1/jobs/{job_id}/events", params={"limit": 2}).json()
    rest = service.http.get(f"/v1/jobs/{job_id}/events", params={"after": first["next_after"]}).json()
    seqs = [event["seq"] for event in first["items"] + rest["items"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert (first["items"][0]["type"], rest["items"][-1]["type"]) == ("job.queued", "job.succeeded")
    empty = service.http.get(f"/v1/jobs/{job_id}/events", params={"after": seqs[-1]})
    assert (empty.status_code, empty.json()) == (200, {"items": [], "next_after": seqs[-1]})


def test_a_reader_that_comes_after_the_end_gets_all_of_it_from_the_log_and_the_stream_ends(service: Any) -> None:
    job_id = _finished(service)
    logged = service.http.get(f"/v1/jobs/{job_id}/events").json()["items"]
    streamed = list(_listen(service, job_id))
    assert [data for _, _, data in streamed] == logged
    assert [(seq, event) for seq, event, _ in streamed] == [(str(e["seq"]), e["type"]) for e in logged]


def test_a_reconnect_after_the_end_is_told_not_to_come_back(service: Any) -> None:
    job_id = _finished(service)
    last = service.http.get(f"/v1/jobs/{job_id}/events").json()["next_after"]
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
    answer = service.http.get(f"/v1/jobs/{job_id}/events", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")


def test_events_arrive_as_they_happen_and_the_last_one_ends_the_stream(service: Any) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    seen: list[Message] = []
    for message in _listen(service, job_id):
        seen.append(message)
        if message[1] == "job.queued":
            service.started(taken)
        elif message[1] == "job.started":
            service.level(taken, 0, 0.95)
        elif message[1] == "job.level_completed":
            service.finish(taken, {"manifest.json": b"{}"})
    logged = [message for message in seen if message[1] != "progress"]
    assert [seq for seq, _, _ in logged] == [str(n) for n in range(1, len(logged) + 1)]
    assert logged[-1][1] == "job.succeeded"


def test_a_reader_that_drops_and_comes_back_misses_nothing_and_sees_nothing_twice(service: Any) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    seen: list[int] = []
    for level in range(8):
        listening = _listen(service, job_id, last=seen[-1] if seen else None)
        service.level(taken, level, 0.9)
        seq, _, _ = next(message for message in listening if message[0] is not None)
        listening.close()  # the connection drops after one event
        seen.append(int(str(seq)))
    service.finish(taken, {"manifest.json": b"{}"})
    seen += [int(str(seq)) for seq, event, _ in _listen(service, job_id, last=seen[-1]) if event != "progress"]
    assert seen == list(range(1, len(seen) + 1))
    assert service.http.get(f"/v1/jobs/{job_id}/events").json()["items"][-1]["seq"] == seen[-1]


def test_many_readers_each_get_every_event_once(service: Any) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    heard: list[list[str]] = [[] for _ in range(20)]
    listening = threading.Barrier(21)

    def reader(mine: list[str]) -> None:
        for seq, event, _ in _listen(service, job_id):
            if event == "job.queued":
                listening.wait()
            if seq is not None:
                mine.append(seq)

    threads = [threading.Thread(target=reader, args=(mine,)) for mine in heard]
    for thread in threads:
        thread.start()
    listening.wait()
    for level in range(60):
        service.level(taken, level, 0.9)
    service.finish(taken, {"manifest.json": b"{}"})
    for thread in threads:
        thread.join(timeout=30)
    last = service.http.get(f"/v1/jobs/{job_id}").json()
    assert last["state"] == "succeeded"
    assert heard == [[str(n) for n in range(1, len(heard[0]) + 1)]] * 20
    assert len(heard[0]) >= 62


def test_progress_comes_without_an_id_and_at_most_once_a_second(service: Any) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    stop = threading.Event()

    def trainer() -> None:
        step = 0
        while not stop.wait(0.02):
            step += 1
            service.progress(taken, fraction=min(0.9, step / 100), level=0, levels_total=3, step=step)
        service.finish(taken, {"manifest.json": b"{}"})

    training = threading.Thread(target=trainer)
    training.start()
    told: list[Message] = []
    for message in _listen(service, job_id):
        # A reader may come before the trainer has said anything: then there is no step yet.
        if message[1] == "progress" and message[2]["step"] is not None:
            told.append(message)
            if len(told) == 3:
                stop.set()
    training.join()
    assert 3 <= len(told) <= 4
    assert {seq for seq, _, _ in told} == {None}
    assert told[0][2]["fraction"] < told[2][2]["fraction"]
    assert told[2][2]["step"] - told[0][2]["step"] > 40  # some of the hundred steps of two seconds


@pytest.mark.parametrize(("name", "value"), [("Last-Event-ID", "abc"), ("Last-Event-ID", "-1")])
def test_a_position_that_is_none_is_refused(service: Any, name: str, value: str) -> None:
    job_id = service.submit()["id"]
    answer = service.http.get(f"/v1/jobs/{job_id}/events", headers={name: value, "Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "header:Last-Event-ID")


def test_the_log_of_an_attempt_is_given_from_its_end_with_nothing_that_moves_a_cursor(service: Any) -> None:
    job_id = service.submit()["id"]
    service.claim(job_id)
    log = service.settings.paths.logs / f"{job_id}-1.log"
    log.write_bytes(b"first\nsecond\x1b[2J\nthird \xff\n")
    answer = service.http.get(f"/v1/jobs/{job_id}/logs", params={"tail": 2})
    assert (answer.status_code, answer.text) == (200, "second\ufffd[2J\nthird \ufffd\n")
    assert service.http.get(f"/v1/jobs/{job_id}/logs", params={"attempt": 7}).text == ""
