"""jobs.job_object: the fields that docs and clients rely on, and where they point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.job_object import job_object

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

FIELDS = (
    "id name search state done phase reason stop_reason attempt model dataset device priority recipe resolved_recipe "
    "labels gates gate queue progress durations best cost error warnings created_at started_at finished_at expires_at "
    "urls"
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
