"""How long a job waits for an idle slot, and how long until its first training step.

    .venv/bin/python benchmarks/start_latency.py [--url URL] [--n 20]

Without `--url` it starts a service of its own with one slot in a temporary folder. Model and dataset are `ready`
before the first measurement. Clocks: this process's, from just before the POST is sent.

- `running`: until the job is seen `running`, asked for every 5 ms.
- `first_step`: until its progress says a step above 0, that is, after the first update.

Both are upper bounds: they hold the question's own way to and fro. Writes benchmarks/results/start_latency.json.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from winnow import Client
from winnow.local import serving

RESULT = Path(__file__).parent / "results" / "start_latency.json"
GOALS_SECONDS = {"running": 0.150, "first_step": 2.5}
POLL_SECONDS = 0.005
RECIPE = {"search": "iterative", "levels": 1, "training": {"length": "100000it"}, "evidence": "none", "seed": 0}


def measure(client: Client, model: str, dataset: str) -> dict[str, float]:
    """Submit one job, time its start, cancel it, and wait until its slot is idle again."""
    started = time.perf_counter()
    job = client.submit({"model": model, "dataset": dataset, "recipe": RECIPE})
    seen: dict[str, float] = {}
    while "first_step" not in seen:
        job = client.show(job["id"])
        if job["done"]:
            raise RuntimeError(f"expected a job that runs until it is cancelled, got {job['state']}: {job['error']}")
        if job["state"] == "running":
            seen.setdefault("running", time.perf_counter() - started)
        if (job["progress"]["step"] or 0) > 0:
            seen["first_step"] = time.perf_counter() - started
        time.sleep(POLL_SECONDS)
    client.cancel(job["id"])
    client.wait(job["id"])
    # The slot settles a cancelled attempt before it listens for the next hint.
    time.sleep(1.0)
    return seen


def summary(samples: list[float], goal: float) -> dict[str, Any]:
    ordered = sorted(samples)
    return {
        "median": round(statistics.median(ordered), 4),
        "lowest": round(ordered[0], 4),
        "highest": round(ordered[-1], 4),
        "n": len(ordered),
        "goal": goal,
        "met": statistics.median(ordered) < goal,
    }


@contextmanager
def service(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "home", slots="cpu=1,inspect=1") as own:
        yield own


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--n", type=int, default=20)
    options = parser.parse_args()
    with service(options.url) as url, Client(url) as client:
        model = client.model(architecture="lenet-300-100", arguments={"input_size": [8, 8]}, seed=0)["id"]
        dataset = client.dataset(uri="builtin:digits", wait_seconds=120)["id"]
        measure(client, model, dataset)  # Not counted: fills the page cache.
        samples = [measure(client, model, dataset) for _ in range(options.n)]
    result = {
        "command": "python " + " ".join(sys.argv),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load_average_1min": os.getloadavg()[0],
        "seconds": {name: summary([sample[name] for sample in samples], goal) for name, goal in GOALS_SECONDS.items()},
        "samples": samples,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    for name, figures in result["seconds"].items():  # type: ignore[attr-defined]
        print(f"{name}: median {figures['median']:.3f} s (n = {figures['n']}, goal < {figures['goal']} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
