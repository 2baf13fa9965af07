"""What the pages show of jobs beside the objects of the API: labels, tiles, rows, the figure; lays out nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup
from sqlalchemy import Connection, select

from jobs import tables
from jobs.blobs import Blobs
from service.rendering import duration, filesize, flops, points, share
from service.results import Results
from ticketing.report.figure import accuracy_figure
from ticketing.report.words import tested, verdict_sentence

MAX_REPORT_BYTES = 32 << 20
WAITING = {
    "no_worker_for_device": "No worker for this device is running; the job starts as soon as one is.",
    "more_than_1000_ahead": "Waiting for a worker; more than 1,000 jobs come first.",
    "waiting_for_model": "The model is being inspected first.",
    "waiting_for_dataset": "The dataset is being inspected first.",
    "worker_lost": "Its worker was lost; the next one goes on from the last checkpoint.",
    "lease_late": "Its worker did not reach the database in time; the next one goes on from the last checkpoint.",
    "stalled": "It stopped making progress and was ended; the next attempt goes on from the last checkpoint.",
    "disk_full": "The disk of its worker was full; the next attempt goes on from the last checkpoint.",
    "store_unavailable": "The store of its files did not answer; the next attempt goes on from the last checkpoint.",
    "resumed": "It goes on from the last checkpoint as soon as a worker is free.",
    "requeued": "It was taken from its worker; the next one goes on from the last checkpoint.",
    "drained": "Its worker was stopped; the next one goes on from the last checkpoint.",
}

Report = Mapping[str, Any]


class Tile(NamedTuple):
    """One figure that stands out."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Labels:
    """What a job is about, in words."""

    model: str
    dataset: str
    verdict: str | None


def labels_of(conn: Connection, job_ids: Sequence[str]) -> dict[str, Labels]:
    """Read what the jobs of a page are about, with one query."""
    job, model, dataset = tables.job, tables.model, tables.dataset
    query = (
        select(
            job.c.id,
            job.c.summary,
            model.c.name.label("model_name"),
            model.c.architecture,
            model.c.seed,
            dataset.c.name.label("dataset_name"),
            dataset.c.uri,
            dataset.c.sha256,
        )
        .join(model, model.c.id == job.c.model_id)
        .join(dataset, dataset.c.id == job.c.dataset_id)
        .where(job.c.id.in_(job_ids))
    )
    return {
        row.id: Labels(
            model=row.model_name or f"{row.architecture}, {'uploaded' if row.seed is None else f'seed {row.seed}'}",
            dataset=row.dataset_name or row.uri or f"upload {row.sha256[:12]}",
            verdict=(row.summary or {}).get("verdict"),
        )
        for row in conn.execute(query)
    }


def report_of(made: Results, blobs: Blobs) -> Report | None:
    """Read a job's report; None while there is none."""
    item = made.artifacts.get("report.json")
    if item is None or item["bytes"] > MAX_REPORT_BYTES:
        return None
    report: Report = json.loads(blobs.read_range(item["sha256"], first=0, count=item["bytes"]))
    return report


def waiting(job: Mapping[str, Any]) -> str:
    """Say why a queued job does not run yet."""
    reason = (job["queue"] or {}).get("reason") or job["reason"]
    position = (job["queue"] or {}).get("position")
    return WAITING.get(reason, f"Waiting for a worker; number {position} in the queue.")


def tiles(job: Mapping[str, Any], report: Report | None) -> list[Tile]:
    """Choose the figures that stand out: of the report, or of the search while it runs."""
    return list(_tiles_of_report(job, report) if report is not None else _tiles_of_search(job))


def _tiles_of_search(job: Mapping[str, Any]) -> Iterator[Tile]:
    if job["best"]:
        yield Tile("Best so far", share(job["best"]["sparsity"]), "sparsity, chosen on validation")


def _tiles_of_report(job: Mapping[str, Any], report: Report) -> Iterator[Tile]:
    row = delivered(report)
    test = row["test"] or {}
    yield Tile("Sparsity", share(row["sparsity"]), f"{row['kept']:,} of {row['total']:,} weights kept")
    for name, branch in (("Ticket", "ticket"), ("Dense", "dense")):
        if test.get(branch):
            yield Tile(name, share(test[branch]["mean"]), f"test accuracy, n = {test[branch]['n']}")
    if test.get("ticket") and test.get("dense"):
        yield Tile("Difference", points(test["ticket"]["mean"] - test["dense"]["mean"]), "ticket minus dense, test")
    sizes = report["sizes"]
    small, dense = sizes.get("sparse.safetensors") or sizes.get("slim.safetensors"), sizes.get("dense_weights")
    if small:
        yield Tile("Size", filesize(small), f"of {filesize(dense)} dense" if dense else "the small file")
    used = job["cost"]["used_flops"]
    yield Tile("Time", duration(job["durations"]["running_s"]), flops(used) if used else "")


def delivered(report: Report) -> Mapping[str, Any]:
    """Give the level that was handed out."""
    chosen = report["search"]["delivered_level"]
    return next(row for row in report["levels"] if row["level"] == chosen)


def verdict(report: Report | None) -> tuple[str | None, str]:
    """Give the certificate's word and its sentence."""
    if report is None:
        return None, ""
    return (report.get("certificate") or {}).get("verdict"), verdict_sentence(report)


def level_rows(made: Results, report: Report | None) -> list[dict[str, Any]]:
    """List the levels of the first search, with what the test said where there is a report."""
    if report is None:
        return [
            {
                "level": row["level"],
                "sparsity": row["sparsity"],
                "kept": row["kept"],
                "validation": {"accuracy": row["validation_accuracy"]},
                "test": {},
                "verdict": None,
                "delivered": False,
            }
            for row in made.levels
            if row["replicate"] == 0
        ]
    chosen = report["search"]["delivered_level"]
    return [
        {**row, "test": row["test"] or {}, "delivered": row["level"] == chosen, "verdict": row.get("verdict")}
        for row in report["levels"]
    ]


def branches(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """List what was taken to the test at any level."""
    return tested(rows)


def figure(rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Draw accuracy against sparsity; None while nothing was measured."""
    if not rows:
        return None
    chosen = next((row["level"] for row in rows if row["delivered"]), None)
    # It escapes every text it is given: numbers of ours, and names of branches.
    return Markup(accuracy_figure(rows, delivered=chosen))  # noqa: S704
