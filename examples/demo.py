"""One job from end to end on this machine: service up, model and dataset in, ticket out, verified, shown.

    .venv/bin/python examples/demo.py

At a terminal it goes on serving until Ctrl-C, so that the page can be looked at; elsewhere it stops and exits 0.
"""

import sys
import time
from pathlib import Path

from winnow import Client
from winnow.exits import exit_of_job
from winnow.local import serving
from winnow.progress import JobProgress
from winnow.tables import level_table, verdict_lines
from winnow.terminal import console
from winnow.transfer import verify_folder

FOLDER = Path("demo-home")

# Fixed before any test figure was seen; seed and tolerance are the defaults a user would get.
SUBMISSION = {
    "name": "demo",
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {
        "search": "iterative",
        "levels": 10,
        "training": {"length": "10ep"},
        "evidence": {"replicates": 3, "controls": ["reinit"], "levels": "all"},
        "seed": 0,
    },
}


def main() -> int:
    out = console()
    with serving(FOLDER / "service") as url, Client(url) as client:
        out.print(f"service at {url}", markup=False)
        job = client.submit(SUBMISSION)
        out.print(f"job {job['id']}, page {job['urls']['web']}", markup=False)
        with JobProgress(out) as progress:
            job = client.wait(job["id"], on_change=progress)
        if job["state"] != "succeeded":
            out.print(f"{job['state']}: {job['error']}", markup=False)
            return exit_of_job(job)
        ticket = FOLDER / "ticket" / job["id"]
        client.download(job["id"], ticket)
        names = verify_folder(ticket)
        report = client.report(job["id"])
        out.print(level_table(report))
        for line in verdict_lines(report):
            out.print(line, markup=False)
        seconds = job["durations"]["running_s"]
        out.print(f"{len(names)} files in {ticket}, every digest verified; the job took {seconds:.1f} s", markup=False)
        out.print(f"page: {job['urls']['web']}", markup=False)
        if out.is_terminal:
            out.print("serving until Ctrl-C")
            wait_for_interrupt()
    return 0


def wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
