"""jobs.job_object: the fields that docs and clients rely on, and where they point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.clock import now
from jobs.job_object import job_object
from jobs.leases import Stopped, finish, request_pause, request_resume

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

FIELDS = (
    "id kind name parent point grid children origin search state done phase reason stop_reason attempt model dataset "
    "device priority limits not_before recipe resolved_recipe labels gates gate queue progress durations best "
    "verdict cost error warnings created_at started_at finished_at pause_expires_at expires_at urls"
)


def test_the_object_has_the_fields_of_the_contract_in_its_order(bench: Bench) -> None:
    shown = job_object(bench.row(bench.submit()), queue=None, moment=0.0, base_url="")
    assert " ".join(shown) == FIELDS


def test_its_urls_begin_where_the_service_is(bench: Bench) -> None:
    job_id = bench.submit()
    urls = job_object(bench.row(job_id), queue=None, moment=0.0, base_url="http://winnow.test")["urls"]
    assert urls == {
        "self": f"http://winnow.test/v1/jobs/{job_id}",
        "web": f"http://winnow.test/jobs/{job_id}",
        "events": f"http://winnow.test/v1/jobs/{job_id}/events",
        "cancel": f"http://winnow.test/v1/jobs/{job_id}:cancel",
        "report": f"http://winnow.test/v1/jobs/{job_id}/report",
        "bundle": f"http://winnow.test/v1/jobs/{job_id}/bundle",
    }


def test_a_clock_that_was_set_back_makes_no_negative_durations(bench: Bench) -> None:
    shown = job_object(bench.row(bench.submit()), queue=None, moment=0.0, base_url="")
    assert shown["durations"] == {"queued_s": 0.0, "running_s": 0.0, "paused_s": 0.0}


def test_the_time_a_job_is_paused_is_neither_waiting_nor_running(bench: Bench) -> None:
    lease = bench.running().lease
    bench.elapse(10)
    request_pause(bench.db, tenant="ada", job_id=lease.job_id, pause_seconds=60)
    finish(bench.db, lease, outcome=Stopped())
    bench.elapse(100)
    row = bench.row(lease.job_id)
    with bench.db.read() as conn:
        moment = now(conn)
    spent = job_object(row, queue=None, moment=moment, base_url="")["durations"]
    assert (round(spent["running_s"]), round(spent["paused_s"])) == (10, 100)
    request_resume(bench.db, tenant="ada", job_id=lease.job_id)
    assert round(bench.row(lease.job_id)["paused_seconds"]) == 100
