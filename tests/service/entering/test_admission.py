"""service.entering.admission: a stream goes on for as long as its reader may."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from jobs.access import keys
from service.entering import admission


def test_a_stream_ends_soon_after_its_key_was_revoked(
    run_service: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    monkeypatch.setattr(admission, "RECHECK_SECONDS", 0.0)
    with run_service(tmp_path, redis_url) as service:
        with service.database.write() as conn:
            own, other = (keys.create(conn, tenant="ada", scope="submit") for _ in range(2))
        service.http.headers["Authorization"] = f"Bearer {other.secret}"
        job_id = service.submit()["id"]
        taken = service.claim(job_id)
        heard: dict[str, list[str]] = {own.id: [], other.id: []}
        began = {key: threading.Event() for key in heard}
        address = f"{service.url}/v1/jobs/{job_id}/events"

        def listen(key: keys.NewKey) -> None:
            headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {key.secret}"}
            with httpx2.stream("GET", address, headers=headers, timeout=30) as answer:
                for line in answer.iter_lines():
                    heard[key.id].append(line)
                    began[key.id].set()

        readers = [threading.Thread(target=listen, args=(key,)) for key in (own, other)]
        for reader in readers:
            reader.start()
        assert all(event.wait(10) for event in began.values())
        with service.database.write() as conn:
            keys.revoke(conn, own.id)
        service.started(taken)
        readers[0].join(10)
        assert not readers[0].is_alive()
        service.level(taken, 0, 0.9)
        service.finish(taken, {"manifest.json": b"{}"})
        readers[1].join(10)
        assert "event: job.succeeded" in heard[other.id]
        assert "event: job.succeeded" not in heard[own.id]
        assert "event: job.level_completed" not in heard[own.id]


def test_what_a_stream_holds_is_let_go_of_when_nobody_reads_it() -> None:
    closed = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            yield b"1"
            yield b"2"
        finally:
            closed.append(True)

    async def scenario() -> None:
        passed = admission.while_permitted(pieces(), Request({"type": "http"}))
        assert await anext(passed) == b"1"
        await passed.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())
    assert closed == [True]
