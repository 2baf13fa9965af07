"""How claims and throughput grow with the slots, and what a storm of hints costs an idle one.

    .venv/bin/python benchmarks/scale_slots.py [--backends sqlite,postgresql] [--slots 1,2,4,8,16] [--seconds 8]

Real slot processes on a private Redis, with a child that waits instead of training (tests/faults/stand_in.py), so that
what is measured is everything around it: claim, folder, sandbox, heartbeat, verification, finish. Throughput is claims
per second after the first round, which is staggered, up to the last claim, by the database's clock. The cores used are
those of the slots and their children, from their start to their end. The storm is 10,000 hints in the queue of one
slot, with one job among them. Writes benchmarks/results/scale_slots.json and .svg.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from circumstances import circumstances, load_now
from scale_figure import curves
from scale_tables import servers
from slot_house import House, house
from sqlalchemy import func, select

from jobs import broker
from jobs.tables import attempt, job
from jobs.waiting import queue

RESULTS = Path(__file__).parent / "results"
STORM = 10_000


def throughput(at: House, *, slots: int, seconds: float, each: int) -> dict[str, Any]:
    """Run jobs on slots, and see that each was run once."""
    app = queue.celery_app(at.redis_url)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with at.slots(slots):
        # The first round is staggered: slots that start together would all want the cores at the same moments.
        staggered = [seconds * (number + 1) / slots for number in range(slots)]
        ids = at.submit(staggered + [seconds] * (slots * (each - 1)))
        for _ in range(2 * slots):
            queue.send_hint(app, "cpu")
        at.until(lambda: at.count(job, job.c.state == "succeeded") == len(ids))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with at.database.read() as conn:
        first, last = conn.execute(select(func.min(job.c.started_at), func.max(job.c.started_at))).one()
        attempts = Counter(conn.execute(select(attempt.c.job_id)).scalars())
    steps = Counter(log.stem.rpartition("-")[0] for log in at.settings.paths.logs.glob("job_*.log"))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "slots": slots,
        "jobs": len(ids),
        "run_twice": sum(count != 1 for count in attempts.values()) + sum(count != 1 for count in steps.values()),
        "seconds": round(last - first, 2),
        "jobs_per_second": round((len(ids) - slots) / (last - first), 4),
        "cores_used": round(cpu / (last - first), 2),
    }


def storm(at: House) -> dict[str, Any]:
    """Send an idle slot ten thousand hints, and a job in the middle of them."""
    name = queue.queue_name("cpu")
    queue.send_hint(queue.celery_app(at.redis_url), "cpu")
    with broker.client(at.redis_url) as client:
        (message,) = client.lrange(name, 0, -1)
        with at.slots(1) as (process,):
            client.rpush(name, *([message] * STORM))
            began = time.monotonic()
            (job_id,) = at.submit([0.1])
            started = at.until(lambda: at.count(job, job.c.id == job_id, job.c.state != "queued") == 1)
            at.until(lambda: at.count(job, job.c.id == job_id, job.c.state == "succeeded") == 1)
            at.until(lambda: client.llen(name) == 0)
            took = time.monotonic() - began
            status = Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return {
        "hints": STORM,
        "job_started_after_seconds": round(started, 3),
        "absorbed_after_seconds": round(took, 2),
        "hints_per_second": round(STORM / took),
        "resident_mib_of_the_slot": round(resident / 1024),
        "attempts_of_the_job": at.count(attempt, attempt.c.job_id == job_id),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", default="sqlite,postgresql")
    parser.add_argument("--slots", default="1,2,4,8,16")
    parser.add_argument("--seconds", type=float, default=8.0, help="a child waits for")
    parser.add_argument("--each", type=int, default=4, help="jobs for every slot")
    options = parser.parse_args()
    backends, counts = options.backends.split(","), [int(count) for count in options.slots.split(",")]
    load = load_now()
    rows: dict[str, Any] = {}
    storms: dict[str, Any] = {}
    # Where a child that is another user can reach it.
    with tempfile.TemporaryDirectory(prefix="winnow-slots-") as folder, servers(Path(folder), backends) as new:
        Path(folder).chmod(0o711)
        for backend in backends:
            rows[backend] = []
            for count in counts:
                with house(new(backend, f"slots_{count}"), Path(folder)) as at:
                    row = throughput(at, slots=count, seconds=options.seconds, each=options.each)
                alone = (rows[backend] or [row])[0]
                row["of_linear"] = round(row["jobs_per_second"] * alone["slots"] / alone["jobs_per_second"] / count, 3)
                rows[backend].append(row)
                print(backend, row, flush=True)
            with house(new(backend, "storm"), Path(folder)) as at:
                storms[backend] = storm(at)
            print(backend, storms[backend], flush=True)
    write(rows, storms, load)
    return 0


def write(rows: Mapping[str, Any], storms: Mapping[str, Any], load: float) -> None:
    result = {
        **circumstances(load),
        "goal": "no job run twice; throughput within 15 % of linear until the cores are full",
        "throughput": rows,
        "storm": storms,
    }
    (RESULTS / "scale_slots.json").write_text(json.dumps(result, indent=2) + "\n")
    panel = {backend: [(row["slots"], row["jobs_per_second"]) for row in found] for backend, found in rows.items()}
    title = "Throughput by the number of slots"
    (RESULTS / "scale_slots.svg").write_text(
        curves({title: panel}, x_label="slots", y_label="jobs per second", title=title)
    )


if __name__ == "__main__":
    sys.exit(main())
