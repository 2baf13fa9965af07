"""What a submission, a look, a page and a claim cost with 100 to 100,000 jobs in the table.

    .venv/bin/python benchmarks/scale.py [--backends sqlite,postgresql] [--jobs 100,1000,10000,100000] [--samples 200]

Half of the jobs wait and half are done, of four tenants; each has a model and an event of its own. What is timed is
what a request does with the database, commit included, in this one process and without HTTP: a page is one of 20 jobs,
a claim that of an idle slot. Each submission is taken away again and each claim given back, so that the tables stay as
long as they are. The sizes take turns sample by sample, so that whatever else the machine does slows all of them.

Further figures: a claim by the number of tenants that wait (10,000 jobs), and with 10,000 jobs ahead that this slot
cannot run. Writes benchmarks/results/scale.json and scale.svg.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from circumstances import circumstances, load_now
from scale_figure import curves
from scale_tables import ARGUMENTS, RECIPE, filled, servers
from sqlalchemy import delete, select

from jobs.database import Database
from jobs.leases import claim, release
from jobs.making.creation import create_job, inputs_of
from jobs.making.submissions import JobSubmission, parse
from jobs.pages import PageRequest
from jobs.records import Filters, Viewer, find_job, list_jobs
from jobs.slots import SlotIdentity
from jobs.tables import event, job, model

RESULTS = Path(__file__).parent / "results"
TENANTS = tuple(f"t{n}" for n in range(4))
SLOT = SlotIdentity("bench", ("cpu",), "landlock")
VIEWER = Viewer("t0", "http://winnow", 60)
OPERATIONS = ("submit", "get", "list page", "claim")
BODY = {"model": {"architecture": "lenet-300-100", "arguments": ARGUMENTS}, "dataset": {"uri": "builtin:digits"}}
LIMIT = 2.0
QUEUED = {"state": "queued", "attempt": 0, "finished_at": None}
OTHERS = {
    **{
        f"{count} tenants wait": ({"jobs": 10_000, "tenants": [f"t{n}" for n in range(count)], **QUEUED},)
        for count in (1, 10, 100, 1000)
    },
    **{
        f"10,000 ahead {what}": (
            {"jobs": 10_000, "tenants": ["t0"], "priority": 1, **QUEUED, **changes},
            {"jobs": 100, "tenants": ["t1"], **QUEUED},
        )
        for what, changes in {"for a GPU": {"device": "gpu"}, "not due yet": {"not_before": 4e9}}.items()
    },
}
"""Where something else than the number of jobs grows."""


class Table:
    """A database filled with jobs, and what is timed on it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.read() as conn:
            mine = select(job.c.id).where(job.c.tenant == VIEWER.tenant).order_by(job.c.id)
            self.ids = list(conn.execute(mine).scalars())

    def submit(self) -> float:
        began = time.perf_counter()
        with self.database.write() as conn:
            submission = parse(JobSubmission, BODY | {"recipe": RECIPE})
            net, data = inputs_of(conn, tenant="t0", submission=submission, check_header=lambda *_: None)
            job_id = create_job(
                conn, tenant="t0", submission=submission, model=net, dataset=data, resolved_recipe=RECIPE, plan=None
            )
            find_job(conn, job_id, viewer=VIEWER)
        took = time.perf_counter() - began
        with self.database.write() as conn:
            conn.execute(delete(event).where(event.c.job_id == job_id))
            conn.execute(delete(job).where(job.c.id == job_id))
            conn.execute(delete(model).where(model.c.id == net.id))
        return took

    def get(self) -> float:
        job_id = random.choice(self.ids)
        began = time.perf_counter()
        with self.database.read() as conn:
            find_job(conn, job_id, viewer=VIEWER)
        return time.perf_counter() - began

    def page(self) -> float:
        wanted = PageRequest(20, order=random.choice(("created_at", "-created_at")))
        began = time.perf_counter()
        with self.database.read() as conn:
            list_jobs(conn, viewer=VIEWER, filters=Filters(), page=wanted)
        return time.perf_counter() - began

    def claim(self) -> float:
        began = time.perf_counter()
        taken = claim(self.database, slot=SLOT, ttl_seconds=600)
        took = time.perf_counter() - began
        assert taken is not None
        release(self.database, taken.lease, reason="drained", strike=False)
        return took

    def operations(self) -> Mapping[str, Callable[[], float]]:
        return dict(zip(OPERATIONS, (self.submit, self.get, self.page, self.claim), strict=True))


def percentiles(seconds: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49] * 1e3, 3), "p99_ms": round(cuts[98] * 1e3, 3), "n": len(seconds)}


def measure(tables: Mapping[Any, Table], *, samples: int, only: tuple[str, ...] = OPERATIONS) -> dict[Any, Any]:
    """Time every operation on every table, in turns."""
    seconds: dict[Any, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in range(samples + 5):
        for key in random.sample(list(tables), len(tables)):
            for name, operation in tables[key].operations().items():
                if name in only:
                    took = operation()
                    if sample >= 5:  # the first ones fill caches
                        seconds[key][name].append(took)
    return {key: {name: percentiles(took) for name, took in seconds[key].items()} for key in tables}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", default="sqlite,postgresql")
    parser.add_argument("--jobs", default="100,1000,10000,100000")
    parser.add_argument("--samples", type=int, default=200)
    options = parser.parse_args()
    backends, sizes = options.backends.split(","), [int(size) for size in options.jobs.split(",")]
    random.seed(0)
    load = load_now()
    costs: dict[str, Any] = {}
    others: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="winnow-scale-") as folder, servers(Path(folder), backends) as new:
        for backend in backends:
            with ExitStack() as stack:
                wanted = {size: ({"jobs": size, "tenants": TENANTS},) for size in sizes}
                costs[backend] = measure(_tables(stack, backend, new, wanted), samples=options.samples)
            with ExitStack() as stack:
                tables = _tables(stack, backend, new, OTHERS)
                found = measure(tables, samples=max(2, options.samples // 4), only=("claim",))
            others[backend] = {name: figures["claim"] for name, figures in found.items()}
    write(costs, others, load)
    return 0


def _tables(
    stack: ExitStack, backend: str, new: Callable[[str, str], str], wanted: Mapping[Any, Any]
) -> dict[Any, Table]:
    names = {key: f"{backend}_{number}_{len(wanted)}" for number, key in enumerate(wanted)}
    return {
        key: Table(stack.enter_context(filled(new(backend, names[key]), *batches))) for key, batches in wanted.items()
    }


def last_over_first(by_size: Sequence[Any]) -> dict[str, Any]:
    return {
        name: {cut: round(by_size[-1][name][cut] / by_size[0][name][cut], 2) for cut in ("p50_ms", "p99_ms")}
        for name in OPERATIONS
    }


def write(costs: Mapping[str, Any], others: Mapping[str, Any], load: float) -> None:
    ratios = {backend: last_over_first(list(by_size.values())) for backend, by_size in costs.items()}
    result = {
        **circumstances(load),
        "milliseconds": costs,
        "last_over_first": ratios,
        "goal": f"p50 and p99 within {LIMIT}x from the first to the last",
        "claims": others,
    }
    (RESULTS / "scale.json").write_text(json.dumps(result, indent=2) + "\n")
    panels = {
        name: {
            f"{backend} {cut[:3]}": [(size, figures[name][cut]) for size, figures in by_size.items()]
            for backend, by_size in costs.items()
            for cut in ("p50_ms", "p99_ms")
        }
        for name in OPERATIONS
    }
    title = "Cost of an operation by the number of jobs in the table"
    (RESULTS / "scale.svg").write_text(curves(panels, x_label="jobs in the table", y_label="ms", title=title))
    for backend, by_name in ratios.items():
        for name, ratio in by_name.items():
            print(f"{backend} {name}: last over first p50 {ratio['p50_ms']}x, p99 {ratio['p99_ms']}x")


if __name__ == "__main__":
    sys.exit(main())
