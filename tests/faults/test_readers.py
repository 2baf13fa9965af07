"""F23: readers that are cut off and come back miss nothing and see nothing twice; many that wait cost little."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.operating.slots import environment

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes
RECIPE = {"levels": 12, "steps": 4, "step_seconds": 0.1, "checkpoint_at": 2}
LONG = RECIPE | {"levels": 40}
"""It outlasts the starts of a few API processes, however slow."""
SERVER = [sys.executable, "-c", "from service.command import main; main()", "api"]
STREAMS = 500


@contextmanager
def api(house: House, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API on a port, so that a client finds it again there."""
    log = (house.settings.paths.logs / "api.log").open("ab")
    env = {**environment(house.settings, house.redis.url), "WINNOW_SWEEP_SECONDS": "0.5"}
    with log, subprocess.Popen([*SERVER, "--port", str(port)], env=env, stdout=log, stderr=log) as process:
        try:
            house.wait_until(lambda: answers(port), seconds=60, what="the API")
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def read_until_cut(
    port: int, job_id: str, after: int, *, cut: Callable[[], None] | None = None
) -> tuple[list[int], bool]:
    """Read a job's stream from an event on until the connection ends; give the seqs, and whether the last one came.

    With `cut` that is called in the middle, after three events.
    """
    seqs, ended = [], False
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/jobs/{job_id}/events",
        headers={"Accept": "text/event-stream", "Last-Event-ID": str(after)},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as stream:
            for line in stream:
                if line.startswith(b"id:"):
                    seqs.append(int(line[3:]))
                ended = ended or line.startswith(b"event: job.succeeded")
                if cut is not None and len(seqs) == 3:
                    cut()
    except OSError:
        pass
    return seqs, ended


def test_f23_a_reader_that_reconnects_has_every_event_once(house: House, free_port: int) -> None:
    house.start_slot()
    house.wait_for_slots(1)
    job_id = house.submit(LONG)
    seen: list[int] = []
    ends = []
    for cut in (True, True, False):
        with api(house, free_port) as process:
            after = seen[-1] if seen else 0
            seqs, ended = read_until_cut(free_port, job_id, after, cut=process.kill if cut else None)
        seen += seqs
        ends.append(ended)
    assert ends == [False, False, True]
    assert seen == list(range(1, house.job(job_id).last_seq + 1))
    house.check(job_id, state="succeeded")


def test_f23_five_hundred_idle_streams_are_served_at_once_and_others_meanwhile(house: House, free_port: int) -> None:
    job_id = house.submit(RECIPE | {"levels": 1}, hint=False)
    with api(house, free_port):
        worst, told = asyncio.run(_many_streams(house, free_port, job_id))
        assert told == STREAMS
        assert worst < 1.0


async def _many_streams(house: House, port: int, job_id: str) -> tuple[float, int]:
    """Open many streams, ask for something else meanwhile, have something happen, and count whom it reached."""
    opened: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    question = (
        f"GET /v1/jobs/{job_id}/events?after=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
    )
    for _ in range(STREAMS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(question.encode())
        assert b" 200 " in await asyncio.wait_for(reader.readline(), 30)
        opened.append((reader, writer))
    worst = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert await asyncio.to_thread(answers, port)
        worst = max(worst, time.monotonic() - began)
    await asyncio.to_thread(house.start_slot)
    await asyncio.to_thread(house.hint)

    async def hears(reader: asyncio.StreamReader) -> int:
        while line := await asyncio.wait_for(reader.readline(), 60):
            if line.startswith(b"event: job.succeeded"):
                return 1
        return 0

    told = sum(await asyncio.gather(*(hears(reader) for reader, _ in opened)))
    for _, writer in opened:
        writer.close()
    return worst, told


def test_f23_a_reader_that_comes_after_the_end_is_told_so(house: House, free_port: int) -> None:
    house.start_slot()
    job_id = house.submit({"levels": 1})
    assert house.wait_for_end(job_id) == "succeeded"
    last = house.job(job_id).last_seq
    with api(house, free_port):
        seqs, ended = read_until_cut(free_port, job_id, 0)
        assert (seqs, ended) == (list(range(1, last + 1)), True)
        request = urllib.request.Request(
            f"http://127.0.0.1:{free_port}/v1/jobs/{job_id}/events",
            headers={"Accept": "text/event-stream", "Last-Event-ID": str(last)},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 204
        page: dict[str, Any] = json.load(urllib.request.urlopen(request.full_url, timeout=20))
        assert [event["seq"] for event in page["items"]] == list(range(1, last + 1))
        assert Path(house.settings.paths.logs / "api.log").read_text().count("Traceback") == 0
