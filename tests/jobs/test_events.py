"""jobs.events: numbered from 1 without gaps, each fact once, read page by page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from jobs.events import NewEvent, append, page
from jobs.tables import event

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

DRAWN = NewEvent("job.mask_drawn", {"replicate": 0, "level": 1})


def test_a_job_begins_with_the_event_that_it_was_queued(bench: Bench) -> None:
    (first,) = bench.log(bench.submit())
    assert (first["seq"], first["type"], first["attempt"]) == (1, "job.queued", 0)


def test_events_are_numbered_in_the_order_they_are_given(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.db.write() as conn:
        last = append(conn, job_id=job_id, events=[NewEvent("job.phase", {"phase": str(n)}) for n in range(3)])
    assert last == 4
    assert [(e["seq"], e["data"].get("phase")) for e in bench.log(job_id)] == [(1, None), (2, "0"), (3, "1"), (4, "2")]


def test_a_transaction_that_fails_leaves_no_event_and_no_gap(bench: Bench) -> None:
    job_id = bench.submit()

    def fail_halfway() -> None:
        with bench.db.write() as conn:
            append(conn, job_id=job_id, events=[NewEvent("job.warning")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with bench.db.write() as conn:
        assert append(conn, job_id=job_id, events=[NewEvent("job.phase")]) == 2
    assert bench.types(job_id) == ["job.queued", "job.phase"]


def test_a_fact_is_told_once_even_within_one_call(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.db.write() as conn:
        append(conn, job_id=job_id, events=[DRAWN, DRAWN])
        append(conn, job_id=job_id, events=[DRAWN, NewEvent("job.mask_drawn", {"replicate": 1, "level": 1})])
    told = [e["data"] for e in bench.log(job_id) if e["type"] == "job.mask_drawn"]
    assert told == [{"replicate": 0, "level": 1}, {"replicate": 1, "level": 1}]


def test_what_is_no_fact_may_be_told_again(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.db.write() as conn:
        append(conn, job_id=job_id, events=[NewEvent("job.phase", {"phase": "prune"})] * 2)
    assert bench.types(job_id) == ["job.queued", "job.phase", "job.phase"]


def test_the_same_fact_of_another_job_is_another_fact(bench: Bench) -> None:
    jobs = bench.submit(), bench.submit()
    with bench.db.write() as conn:
        assert [append(conn, job_id=job_id, events=[DRAWN]) for job_id in jobs] == [2, 2]


def test_pages_after_the_last_seq_read_give_every_event_once(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.db.write() as conn:
        append(conn, job_id=job_id, events=[NewEvent("job.phase")] * 7)
    read: list[int] = []
    with bench.db.read() as conn:
        while got := page(conn, tenant=bench.tenant, job_id=job_id, after=read[-1] if read else 0, limit=3):
            read += [e["seq"] for e in got]
    assert read == list(range(1, 9))


def test_another_tenant_reads_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.db.read() as conn:
        assert page(conn, tenant="bob", job_id=job_id) == []


def test_an_event_is_shown_as_the_api_says(bench: Bench) -> None:
    (shown,) = bench.log(bench.submit())
    assert list(shown) == ["id", "seq", "job", "attempt", "type", "severity", "created_at", "data"]
    assert shown["id"].startswith("evt_")
    assert shown["created_at"].endswith("Z")


def test_a_figure_that_json_does_not_have_is_refused(bench: Bench) -> None:
    job_id = bench.submit()
    with pytest.raises(Exception, match="Out of range float"), bench.db.write() as conn:
        append(conn, job_id=job_id, events=[NewEvent("job.warning", {"loss": math.nan})])
    assert bench.count(event, job_id=job_id) == 1
