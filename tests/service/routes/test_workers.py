"""service.routes.workers: every slot with what it can run, and nobody else's jobs."""

from pathlib import Path
from typing import Any

from jobs import slots
from jobs.slots import Capabilities, SlotIdentity

GPU = Capabilities("NVIDIA H200", 141 << 30, "2.13.0", ("s3",), recipe_version=2, checkpoint_version=3, uploads=False)


def test_workers_are_listed_with_what_they_can_run(run_service: Any, tmp_path: Path) -> None:
    with run_service(tmp_path, None) as service:
        assert service.http.get("/v1/workers").json() == {"items": [], "next_page_token": None}
        service.announce(SlotIdentity("a", ("gpu",), "landlock", "host-1", GPU))
        (shown,) = service.http.get("/v1/workers").json()["items"]
    assert (shown["id"], shown["kind"], shown["host"], shown["live"]) == ("a", "gpu", "host-1", True)
    assert (shown["device"], shown["memory_bytes"], shown["torch"]) == ("NVIDIA H200", 141 << 30, "2.13.0")
    assert (shown["extras"], shown["recipe_version"], shown["checkpoint_version"]) == (["s3"], 2, 3)
    assert (shown["sandbox"], shown["uploads"]) == ("landlock", False)
    assert (shown["busy"], shown["job"], shown["draining"], shown["blocked"]) == (False, None, False, None)


def test_a_worker_says_what_it_is_on_and_why_it_takes_nothing(run_service: Any, tmp_path: Path) -> None:
    with run_service(tmp_path, None) as service:
        service.announce(SlotIdentity("a", ("cpu",), "landlock"))
        job = service.submit()
        with service.database.write() as conn:
            slots.seen(conn, "a", job_id=job["id"])
            slots.block(conn, "a", reason="disk_full")
            slots.request_drain(conn)
        (shown,) = service.http.get("/v1/workers").json()["items"]
    assert (shown["busy"], shown["job"]) == (True, job["id"])
    assert (shown["draining"], shown["blocked"]) == (True, "disk_full")


def test_the_job_of_another_tenant_is_not_named(run_service: Any, tmp_path: Path) -> None:
    with run_service(tmp_path, None) as service:
        service.announce(SlotIdentity("a", ("cpu",), "landlock"))
        with service.database.write() as conn:
            slots.seen(conn, "a", job_id="job_of_somebody_else")
        (shown,) = service.http.get("/v1/workers").json()["items"]
    assert (shown["busy"], shown["job"]) == (True, None)
