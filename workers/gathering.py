"""A grid from its claim to its outcome: what its points found becomes one report. Starts no process, loads no torch.

It reads what the database has of jobs that are done, and what their networks answered on test: verified files of bits
that our own trainer wrote. So no child and no sandbox is needed.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jobs.errors import BlobDamagedError, BlobMissingError, CancelledFirstError
from jobs.grids.results import ANSWERS, GridResults, read_results, tree_gate
from jobs.leases import Failed, NewArtifact, Stopped, Succeeded
from ticketing import folder as names
from ticketing.certificate.answers import read_answers
from ticketing.certificate.pooling import Answers
from ticketing.errors import VerificationError
from ticketing.export.listing import write_listing
from ticketing.report.grid_card import grid_card
from ticketing.report.grid_document import grid_document
from ticketing.report.grid_page import grid_page
from ticketing.report.grid_table import levels_table
from ticketing.report.pooled import pooled_certificates
from ticketing.whole import write_whole
from workers.work import Work

CHILDREN_FAILED = "children_failed"


def gather(work: Work) -> None:
    """Write the report over all points of a grid, and how the grid ends: well if one of its points did.

    Raises:
        LeaseLostError: The grid is somebody else's by now; nothing was written after that.
    """
    claim, database = work.claim, work.equipment.database
    with database.read() as conn:
        found = read_results(conn, tenant=claim.lease.tenant, grid_id=claim.lease.job_id)
    succeeded = [point for point in found.points if point["state"] == "succeeded"]
    if not succeeded:
        work.finish(Failed({"code": CHILDREN_FAILED, "detail": _why(found.points)}))
        return
    gate = tree_gate(found.gates, found.points)
    report = _report(found, gate, pooled_certificates(found.axes, found.points, partial(_read, work)))
    artifacts = _store(work, found, report)
    outcome = Succeeded(
        artifacts=artifacts,
        gate=gate,
        best=report["best"],
        cost={"used_flops": report["cost"]["flops_executed"]},
        summary={"counts": report["counts"], "best": report["best"], "gate": gate and gate["outcome"]},
    )
    try:
        work.finish(outcome)
    except CancelledFirstError:
        work.finish(Stopped())


def _read(work: Work, point: Mapping[str, Any], level: int, most: int) -> Answers:
    """Read what the networks of a point answered at a level; the file is gone again afterwards.

    Raises:
        VerificationError: There are no answers, or too many.
    """
    path = work.folder / f"{point['job']}.{ANSWERS}"
    gone = VerificationError(f"the answers of {point['job']} are missing or damaged")
    if point["answers"] is None:
        raise gone
    try:
        work.equipment.blobs.fetch(point["answers"], to=path)
        return read_answers(path, level=level, most=most)
    except (BlobMissingError, BlobDamagedError):
        raise gone from None
    finally:
        path.unlink(missing_ok=True)


def _report(found: GridResults, gate: Mapping[str, Any] | None, pooled: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return grid_document(
        job=found.job,
        axes=found.axes,
        points=found.points,
        gate=gate,
        model=found.model,
        dataset=found.dataset,
        recipe=found.recipe,
        pooled=pooled,
    )


def _store(work: Work, found: GridResults, report: Mapping[str, Any]) -> list[NewArtifact]:
    """Write the files of a grid, list them as those of a run are, and make blobs of them."""
    out = work.folder / names.OUT
    texts = {
        "report.json": json.dumps(report, indent=1, allow_nan=False) + "\n",
        "report.html": grid_page(report),
        "report.md": grid_card(report),
        "levels.csv": levels_table(list(found.axes), found.points),
    }
    for name, text in texts.items():
        write_whole(out / name, text.encode())
    return [_artifact(work, out / file.name, file.media_type) for file in write_listing(out)]


def _artifact(work: Work, path: Path, media_type: str) -> NewArtifact:
    with path.open("rb") as file:
        stored = work.equipment.blobs.put(file)
    return NewArtifact(path.name, stored.sha256, stored.bytes, media_type)


def _why(points: Sequence[Mapping[str, Any]]) -> str:
    """Say why nothing came of a grid: what most of its points ended with."""
    codes: dict[str, int] = {}
    for point in points:
        code = (point["error"] or {}).get("code") or point["state"]
        codes[code] = codes.get(code, 0) + 1
    told = ", ".join(f"{count} {code}" for code, count in sorted(codes.items(), key=lambda item: -item[1])[:5])
    return f"none of the {len(points)} points succeeded: {told or 'none is left'}"
