"""The jobs of an experiment, submitted to a running service and kept as they finish; knows no experiment.

A trial is one job. What it found is kept in benchmarks/results/reproduce/<experiment>/<trial>.json (and the bits of its
certificate beside it), so that an interrupted campaign goes on where it stood: a trial that is kept is not run again,
one that the service still has is waited for, by its labels. Kept trials may be of different days and machines; each
says its own.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from winnow import Client
from winnow.local import serving

RESULTS = Path(__file__).resolve().parent.parent / "results" / "reproduce"
REPORT = Path(__file__).resolve().parents[2] / "ticketing" / "report"
ANSWERS = "answers.safetensors"
GONE = ("failed", "cancelled")


@dataclass(frozen=True)
class Trial:
    """One job of an experiment."""

    name: str
    submission: Mapping[str, Any]
    """As `POST /v1/jobs` takes it, without the dataset."""

    def computed_in(self, precision: str) -> "Trial":
        """Give the same trial in another precision."""
        recipe = self.submission["recipe"]
        training = {**recipe.get("training", {}), "precision": precision}
        return replace(self, submission={**self.submission, "recipe": {**recipe, "training": training}})


def kept(experiment: str, trial: str) -> dict[str, Any] | None:
    """Give what an earlier call kept of a trial."""
    path = RESULTS / experiment / f"{trial}.json"
    return json.loads(path.read_bytes()) if path.exists() else None


def run(
    experiment: str, trials: Sequence[Trial], *, data: str, description: str, examples: int | None = None
) -> dict[str, dict[str, Any]]:
    """Run the trials that are not kept yet, and give all that are kept afterwards, by name.

    Args:
        experiment: The folder of its results.
        trials: In the order in which they are wanted.
        data: File in the folder that WINNOW_DATA names, uploaded through the API, or a `builtin:` name.
        description: Of the command line.
        examples: Of the train split, the first so many; None for all.
    """
    options = _options(description)
    wanted = [t for t in trials if not options.only or t.name in options.only.split(",")]
    missing = [trial for trial in wanted if kept(experiment, trial.name) is None]
    if options.precision:
        missing = [trial.computed_in(options.precision) for trial in missing]
    if missing and not options.draw:
        with _service(options) as url, Client(url) as client:
            dataset = _dataset(client, data, examples)
            jobs = [(trial, _job(client, experiment, trial, dataset)) for trial in missing]
            for trial, job_id in jobs:
                _keep(client, experiment, trial, client.wait(job_id))
    found = {trial.name: kept(experiment, trial.name) for trial in trials}
    return {name: result for name, result in found.items() if result is not None}


def standalone(figure: str) -> str:
    """Make a figure of a report a file of its own: with the report's style sheet inside."""
    sheet = (REPORT / "page.css").read_text(encoding="utf-8")
    named = figure.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    head, _, body = named.partition(">")
    return f"{head}><style>{sheet}</style>{body}\n"


def _options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a running service; without it, one of its own")
    parser.add_argument("--home", type=Path, default=Path("demo-home/reproduce"), help="of the service of its own")
    parser.add_argument("--precision", help="of the trials still to be run, instead of their own")
    parser.add_argument("--only", help="names of trials, by commas")
    parser.add_argument("--draw", action="store_true", help="run nothing: write page and figure from what is kept")
    return parser.parse_args()


@contextmanager
def _service(options: argparse.Namespace) -> Iterator[str]:
    if options.url:
        yield options.url
        return
    with serving(options.home) as own:
        yield own


def _dataset(client: Client, data: str, examples: int | None) -> str:
    if data.startswith("builtin:"):
        made = client.dataset(uri=data, wait_seconds=300)
    elif folder := os.environ.get("WINNOW_DATA"):
        with unpacked(Path(folder) / data) as file, _cut(file, examples) as cut:
            made = client.dataset(cut, name=cut.stem, wait_seconds=600)
    else:
        sys.exit(f"expected WINNOW_DATA to name the folder that holds {data}")
    if made["state"] != "ready":
        sys.exit(f"expected the dataset to be ready, got {made['state']}: {made.get('error')}")
    return str(made["id"])


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """Give a file that can be uploaded: images that lie packed are unpacked by the decoder that lies beside them."""
    if file.exists():
        yield file
        return
    sys.path.insert(0, str(file.parent))
    from unpack_images import load  # type: ignore[import-not-found]

    arrays = load(str(file.with_suffix(".packed.npz")))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / file.name
        np.savez(plain, **{name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")})
        yield plain


@contextmanager
def _cut(file: Path, examples: int | None) -> Iterator[Path]:
    """Give a file whose train split is the first so many examples."""
    if examples is None:
        yield file
        return
    with tempfile.TemporaryDirectory() as folder, np.load(file) as arrays:
        cut = Path(folder) / f"{file.stem}-{examples}.npz"
        train = {name: arrays[name][:examples] for name in ("x_train", "y_train")}
        np.savez(cut, **train, x_test=arrays["x_test"], y_test=arrays["y_test"])
        yield cut


def _job(client: Client, experiment: str, trial: Trial, dataset: str) -> str:
    """Give the job of a trial that the service has already, or submit one."""
    labels = {"experiment": experiment, "trial": trial.name}
    for job in client.list(**{f"label.{key}": value for key, value in labels.items()}):
        if job["state"] not in GONE:
            return str(job["id"])
    name = f"{experiment} {trial.name}"
    return str(client.submit({**trial.submission, "name": name, "labels": labels, "dataset": dataset})["id"])


def _keep(client: Client, experiment: str, trial: Trial, job: Mapping[str, Any]) -> None:
    if job["state"] != "succeeded":
        print(f"{trial.name}: {job['state']}: {job['error']}", file=sys.stderr)
        return
    report, folder = client.report(job["id"]), RESULTS / experiment
    folder.mkdir(parents=True, exist_ok=True)
    result = {
        "trial": trial.name,
        "recipe": job["resolved_recipe"],
        "provenance": report["provenance"],
        "cores": os.cpu_count(),
        "running_seconds": job["durations"]["running_s"],
        "attempts": job["attempt"],
        "cost": report["cost"],
        **{
            part: report[part]
            for part in ("search", "levels", "certificate", "settling", "regime", "capacity")
            if part in report
        },
    }
    if report.get("certificate"):
        client.download(job["id"], folder / f"{trial.name}.files", names=[ANSWERS])
        (folder / f"{trial.name}.files" / ANSWERS).rename(folder / f"{trial.name}.{ANSWERS}")
        (folder / f"{trial.name}.files").rmdir()
    temporary = folder / f"{trial.name}.json.part"
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    temporary.rename(folder / f"{trial.name}.json")
    print(f"{trial.name}: kept, ran {job['durations']['running_s']:,.0f} s", flush=True)
