"""LeNet-300-100 on MNIST through the service: tickets against re-initialised controls at levels 1 to 9, n = 3.

    WINNOW_DATA=... .venv/bin/python benchmarks/lenet_mnist.py [--url URL] [--home FOLDER]

3,000 updates a level, the published rates (20 %, output layer 10 %), seed 0. The dataset is uploaded through the API.
Without `--url` it runs a service of its own on `--home`. Interrupt it as you like: the job id is kept in demo-home/,
and the next call waits for the same job; the service goes on from its last checkpoint.
Writes benchmarks/results/lenet_mnist.json and .md, beside the figures of the papers.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from rich.console import Console

from winnow import Client
from winnow.local import serving
from winnow.progress import JobProgress

RESULTS = Path(__file__).parent / "results"
JSON, PAGE = RESULTS / "lenet_mnist.json", RESULTS / "lenet_mnist.md"
STATE = Path("demo-home/lenet-mnist.json")
"""The job that an interrupted call left behind."""
COMMAND = "WINNOW_DATA=... python benchmarks/lenet_mnist.py"
SUBMISSION = {
    "name": "lenet-mnist",
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "recipe": {
        "search": "iterative",
        "levels": 9,
        "rate": {"default": 0.2, "output": 0.1},
        "training": {
            "length": "3000it",
            "batch_size": 60,
            "optimizer": {"name": "adam", "learning_rate": 0.0012},
            "evaluate_every": "100it",
        },
        "evidence": {"replicates": 3, "replicates_of": "search", "controls": ["reinit"], "levels": "all"},
        "seed": 0,
    },
}


def the_job(client: Client, mnist: Path) -> dict[str, Any]:
    """Give the job of the state file, or upload the dataset and submit one."""
    if STATE.exists():
        return client.show(json.loads(STATE.read_text())["job"])
    dataset = client.dataset(mnist, name="mnist", wait_seconds=300)
    if dataset["state"] != "ready":
        raise RuntimeError(f"expected the dataset to be ready, got {dataset['state']}: {dataset.get('error')}")
    job = client.submit(SUBMISSION | {"dataset": dataset["id"]})
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(json.dumps({"job": job["id"]}))
    return job


def figures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Take out of a report what the papers print, per level: mean differences in points, ratios of early-stop steps."""
    rows = []
    for level in report["levels"]:
        test, validation = level["test"], level["validation"]["replicates"]
        row = {"level": level["level"], "kept": level["kept"], "density": level["density"], "n": len(validation)}
        row["early_stop_steps"] = [found["early_stop_step"] for found in validation]
        row["censored"] = sum(found["censored"] for found in validation)
        for branch in ("ticket", "dense", "reinit"):
            row[branch] = test[branch]["mean"] if test.get(branch) else None
        if test.get("ticket"):
            for other in ("reinit", "dense"):
                pairs = zip(test["ticket"]["values"], test[other]["values"], strict=True)
                row[f"minus_{other}_points"] = [round(100 * (ticket - control), 2) for ticket, control in pairs]
        row["verdict"] = level["verdict"]
        delivered = level["level"] == report["certificate"]["level"]
        row["early_stop"] = level.get("early_stop") or (report["certificate"]["early_stop"] if delivered else None)
        rows.append(row)
    return rows


def early_stop_against_dense(rows: list[dict[str, Any]], level: int) -> float:
    """Give the geometric mean over replicates of (ticket's early-stop step / dense's)."""
    pairs = zip(rows[level]["early_stop_steps"], rows[0]["early_stop_steps"], strict=True)
    return geometric_mean([ticket / dense for ticket, dense in pairs])


def machine(provenance: Mapping[str, Any]) -> str:
    key = provenance["execution_key"]
    return f"{key['device']}, {os.cpu_count()} cores, {key['threads']} thread, torch {key['torch']}"


def page(result: Mapping[str, Any]) -> str:
    """Write the result as a page, beside the figures of the papers."""
    rows = result["levels"]
    lines = [
        "# LeNet-300-100 on MNIST, through the service",
        "",
        f"Command: `{result['command']}`. {result['machine']}.",
        f"The job ran {result['seconds']:,.0f} s on one slot in {result['attempts']} attempt(s), the machine shared.",
        "3,000 updates of 60 a level, Adam 1.2e-3, rates 20 % / output 10 %, seed 0, n = 3 searches from different",
        "initialisations. Test accuracy at the lowest validation loss; differences in points, one per replicate.",
        "",
        "| level | kept | ticket | dense | reinit | ticket - reinit | ticket - dense | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [str(row["level"]), f"{row['kept']:,} ({100 * row['density']:.2f} %)"]
        cells += ["" if row[name] is None else f"{100 * row[name]:.2f}" for name in ("ticket", "dense", "reinit")]
        cells += [_points(row.get(f"minus_{other}_points")) for other in ("reinit", "dense")]
        lines.append(f"| {' | '.join([*cells, row['verdict'] or ''])} |")
    lines += ["", "## Beside the papers", "", "| figure | here | F&C 2018 | 5-seed study |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in result["compared"]]
    lines += ["", result["note"], ""]
    return "\n".join(lines)


def _points(values: list[float] | None) -> str:
    return "" if values is None else ", ".join(f"{value:+.2f}" for value in values)


def compared(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Set what was found beside the published figures."""
    seven, nine = rows[7], rows[9]
    stops = [
        [f"level {row['level']}: early-stop step of reinit over ticket's", _ratio(row["early_stop"]), *published]
        for row, published in ((seven, ("2.51", "1.94")), (nine, ("", "")))
        if row["early_stop"]
    ]
    return [
        ["level 7 (21.07 %): ticket minus reinit, points", _points(seven["minus_reinit_points"]), "+0.5", "+0.39"],
        ["level 7: early-stop step over dense's", f"{early_stop_against_dense(rows, 7):.2f}", "0.62", "0.79"],
        *stops,
        ["level 7: ticket minus dense, points", _points(seven["minus_dense_points"]), "", ""],
        ["level 9 (13.52 %): ticket minus dense, points", _points(nine["minus_dense_points"]), "+0.3", "+0.21"],
    ]


def _ratio(early_stop: Mapping[str, Any]) -> str:
    found = early_stop["over_ticket"]["reinit"]
    bound = {"none": "", "at_least": " or more", "at_most": " or less", "undecided": " (both censored)"}
    return f"{found['steps_ratio']:.2f}{bound[found['bound']]}"


NOTE = (
    "The papers train 50,000 updates a level; 3,000 is an equal short budget for all branches. Where an early stop is "
    "the last evaluation it is censored: the ratio is then a bound, and no claim is made on it."
)


@contextmanager
def service(url: str | None, home: Path) -> Iterator[str]:
    if url:
        yield url
        return
    with serving(home) as own:
        yield own


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--home", type=Path, default=Path("demo-home/lenet-mnist"))
    options = parser.parse_args()
    if "WINNOW_DATA" not in os.environ:
        parser.error("expected WINNOW_DATA to name the folder that holds mnist.npz")
    with service(options.url, options.home) as url, Client(url) as client:
        job = the_job(client, Path(os.environ["WINNOW_DATA"]) / "mnist.npz")
        with JobProgress(Console(stderr=True)) as progress:
            job = client.wait(job["id"], on_change=progress)
        if job["state"] != "succeeded":
            print(f"{job['state']}: {job['error']}", file=sys.stderr)
            return 1
        report = client.report(job["id"])
    rows = figures(report)
    result = {
        "command": COMMAND,
        "machine": machine(report["provenance"]),
        "seconds": job["durations"]["running_s"],
        "attempts": job["attempt"],
        "recipe": job["resolved_recipe"],
        "levels": rows,
        "certificate": report["certificate"],
        "compared": compared(rows),
        "note": NOTE,
    }
    RESULTS.mkdir(exist_ok=True)
    JSON.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(page(result))
    STATE.unlink()
    print(page(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
