"""service.sweeping: a job whose worker went silent goes back to the queue, and whoever waits for it is told."""

from pathlib import Path
from typing import Any

from jobs.leases import claim
from jobs.slots import SlotIdentity


def test_an_expired_lease_is_ended_and_told(run_service: Any, tmp_path: Path, redis_url: str) -> None:
    with run_service(tmp_path, redis_url, sweep_seconds=0.1) as service:
        job_id = service.submit()["id"]
        service.inspect()
        assert claim(service.database, slot=SlotIdentity("dies", ("cpu",), "landlock"), ttl_seconds=0.3) is not None
        etag = service.http.get(f"/v1/jobs/{job_id}").headers["etag"]
        job = service.http.get(f"/v1/jobs/{job_id}", params={"wait": 10}, headers={"If-None-Match": etag}).json()
        assert (job["state"], job["reason"], job["attempt"]) == ("queued", "worker_lost", 1)
