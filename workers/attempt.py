"""Lays out the folder one attempt runs in, as `ticketing.folder` draws it, and takes it away; runs nothing."""

import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from jobs.blobs import Blobs
from jobs.errors import BlobDamagedError, BlobMissingError
from jobs.leases import Checkpoint, Claim
from ticketing import folder as names
from ticketing.folder import DataSpec, Execution, ModelSpec, RunSpec, StartSpec

_log = logging.getLogger(__name__)

WRITABLE = (names.CHECKPOINTS, names.OUT, names.TMP)
"""What a search may write; an inspection of a dataset also `data`."""


@contextmanager
def laid_out(claim: Claim, *, attempts: Path, blobs: Blobs, execution: Execution) -> Iterator[Path]:
    """Make the folder of an attempt with everything its run reads, and delete it at the end.

    Inputs are copies: a run could write into a shared blob wherever the sandbox is weaker than it should be.

    Args:
        attempts: Where such folders lie.
        execution: What `run.json` says of the machine.
    """
    folder = attempts / f"{claim.lease.job_id}-{claim.lease.attempt}"
    discard(folder)
    try:
        for part in (*WRITABLE, "model", "data"):
            (folder / part).mkdir(parents=True)
        _write_specification(claim, folder, execution)
        _copy_inputs(claim, folder, blobs)
        _restore_checkpoints(claim.checkpoints, folder / names.CHECKPOINTS, blobs)
        yield folder
    finally:
        discard(folder)


def discard(folder: Path) -> None:
    """Delete an attempt's folder, if it is there, following no link in it."""
    shutil.rmtree(folder, ignore_errors=True)


def hand_over(folder: Path, writes: Iterable[str], user: tuple[int, int] | None) -> None:
    """Give the writable parts to the user a child becomes, and let it read the rest; None is the worker's own user."""
    if user is None:
        return
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for part in writes:
        for path in (folder / part, *(folder / part).rglob("*")):
            os.chown(path, *user)


def _write_specification(claim: Claim, folder: Path, execution: Execution) -> None:
    spec = RunSpec(
        purpose=_purpose(claim),
        model=_model_spec(claim),
        data=_data_spec(claim),
        execution=execution,
        labels={**claim.labels, "id": claim.lease.job_id, "name": claim.name or ""},
        start=_start_spec(claim),
    )
    (folder / names.RUN).write_text(spec.model_dump_json(indent=2))
    if claim.resolved_recipe is not None:
        (folder / names.RECIPE).write_text(json.dumps(claim.resolved_recipe, indent=2))


def inspects_data(claim: Claim) -> bool:
    """Say whether a claim is an inspection of a dataset; one of a model may name the dataset it was shaped by."""
    return claim.kind == "inspect" and claim.model is None


def _purpose(claim: Claim) -> Literal["search", "inspect_model", "inspect_data"]:
    if claim.kind == "search":
        return "search"
    return "inspect_data" if inspects_data(claim) else "inspect_model"


def _model_spec(claim: Claim) -> ModelSpec | None:
    model = claim.model
    if model is None:
        return None
    return ModelSpec.model_validate(
        {
            "architecture": model.architecture,
            "arguments": model.arguments,
            "seed": model.seed,
            "weights": model.weights,
            "sha256": model.sha256,
        }
    )


def _data_spec(claim: Claim) -> DataSpec | None:
    data = claim.dataset
    if data is None:
        return None
    fingerprint = None if data.summary is None else data.summary.get("fingerprint")
    return DataSpec(name=data.name or data.uri or data.id, fingerprint=fingerprint, uri=data.uri)


def _start_spec(claim: Claim) -> StartSpec | None:
    """Say where a fork starts, or a job that was made again from one."""
    start = (claim.origin or {}).get("start")
    return None if start is None else StartSpec.model_validate(start)


def _copy_inputs(claim: Claim, folder: Path, blobs: Blobs) -> None:
    wanted: list[tuple[str | None, str]] = []
    if claim.model is not None:
        wanted.append((claim.model.sha256, names.MODEL))
    if claim.dataset is not None:
        uploaded, canonical = claim.dataset.sha256, claim.dataset.canonical_sha256
        wanted.append((uploaded, names.UPLOAD) if inspects_data(claim) else (canonical, names.DATA))
    if (start := _start_spec(claim)) is not None:
        (folder / names.START).parent.mkdir()
        wanted.append((start.sha256, names.START))
    for sha256, name in wanted:
        if sha256 is not None:
            blobs.fetch(sha256, to=folder / name)


def _restore_checkpoints(checkpoints: Iterable[Checkpoint], folder: Path, blobs: Blobs) -> None:
    """Put the last checkpoints back with their markers; the run verifies them and falls back one if it must.

    One that the store lost or damaged leaves its marker alone: the run then knows that there was one.
    """
    for checkpoint in checkpoints:
        path = folder / f"{checkpoint.number:06d}.safetensors"
        try:
            blobs.fetch(checkpoint.sha256, to=path)
        except (BlobMissingError, BlobDamagedError) as error:
            _log.warning("checkpoint %d of %s: %s", checkpoint.number, folder, error)
        path.with_suffix(".done").write_text(f"{checkpoint.sha256}\n")
