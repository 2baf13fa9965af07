"""workers.gathering: a slot gathers a grid in its own process, without torch, as carefully as any other job."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from sqlalchemy import select

from jobs import gates, leases, tables
from jobs.blobs import BlobFolder, Stored
from jobs.database import Database
from jobs.errors import LeaseLostError
from jobs.grids.creation import create_grid
from jobs.grids.points import PreparedPoint, points_of, recipe_at
from jobs.grids.submission import GridSubmission
from jobs.leases import Failed, NewArtifact, NewLevel, Stopped, Succeeded, finish, finish_inspection, request_cancel
from jobs.making.creation import inputs_of
from jobs.making.submissions import parse
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from ticketing.export.listing import check_listing
from workers.bell import Bell
from workers.gathering import gather
from workers.sandbox import Device, Sandbox
from workers.slot import Slot
from workers.work import Equipment, begun

SLOT = SlotIdentity("slot", ("cpu",), "landlock")
DIGITS = {"shape": [1, 8, 8], "classes": 10, "name": "digits", "fingerprint": "f" * 64}
EVIDENCE = {"replicates": 1, "replicates_of": "search", "controls": ["reinit"], "tolerance": 0.005}
BODY = {
    "name": "two",
    "model": {"architecture": "mlp", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 1, "evidence": EVIDENCE},
    "grid": {"/seed": [0, 1]},
    "gates": {"min_sparsity": 0.5},
}


@dataclass(frozen=True)
class House:
    """A database with one grid, and a slot's equipment."""

    kit: Equipment
    grid: str

    @property
    def db(self) -> Database:
        return self.kit.database

    def claim(self) -> Any:
        return leases.claim(self.db, slot=SLOT, ttl_seconds=60)

    def end_point(self, outcome: Any) -> None:
        """Play the worker that runs the next point."""
        taken = self.claim()
        found = {"validation_accuracy": 0.9}
        levels = [NewLevel(0, level, kept, 100, 1 - kept / 100, found) for level, kept in ((0, 100), (1, 40))]
        leases.commit(self.db, taken.lease, levels=levels)
        finish(self.db, taken.lease, outcome=outcome)

    def row(self) -> Any:
        with self.db.read() as conn:
            return conn.execute(select(tables.job).where(tables.job.c.id == self.grid)).mappings().one()

    def files(self) -> dict[str, bytes]:
        with self.db.read() as conn:
            made = conn.execute(select(tables.artifact).where(tables.artifact.c.job_id == self.grid)).mappings().all()
        found = {}
        for item in made:
            with self.kit.blobs.open(item["sha256"]) as file:
                found[item["name"]] = file.read()
        return found


def point_done(sparsity: float) -> Succeeded:
    summary = {"level": 1, "sparsity": sparsity, "accuracy": 0.88, "validation_accuracy": 0.9, "accuracy_drop": 0.01}
    summary |= {"bytes": 1000, "verdict": "winning", "n": 3, "flops": 500.0}
    best = {"level": 1, "sparsity": sparsity, "metric": "validation_accuracy", "value": 0.9, "delta_vs_dense": -0.01}
    return Succeeded((), gates.evaluate({"min_sparsity": 0.5}, summary), best, {"used_flops": 500.0}, summary)


def answered(house: House, folder: Path, *, level: int = 1, lead: int = 0) -> Succeeded:
    """Make a point whose certificate is there to be read: the ticket has so many of 100 test examples more."""
    right = np.arange(100) < 80
    rows = {"dense/0": right, f"ticket/{level}": np.arange(100) < 80 + lead, f"reinit/{level}": np.arange(100) < 50}
    tensors = {f"{name}/{moment}": _packed(row) for name, row in rows.items() for moment in ("best", "last")}
    layout = {"format": "winnow/answers", "version": 1, "replicates": 1, "examples": 100}
    path = folder / "answers.safetensors"
    save_file(tensors, path, metadata={"winnow": json.dumps(layout)})
    with path.open("rb") as file:
        stored = house.kit.blobs.put(file)
    made = NewArtifact("answers.safetensors", stored.sha256, stored.bytes, "application/octet-stream")
    return replace(point_done(0.6), artifacts=(made,))


def _packed(row: Any) -> Any:
    return np.packbits(row[np.newaxis], axis=1, bitorder="little")


FAILED = Failed({"code": "diverged", "detail": "the loss is no longer finite"})


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    settings = Settings(home=tmp_path, database_url=database_url)
    settings.paths.make()
    with closing(Database.open(database_url)) as database, Bell() as bell:
        kit = Equipment(
            settings=settings,
            database=database,
            blobs=BlobFolder(settings.paths.blobs),
            sandbox=Sandbox("none"),
            device=Device(),
            command=["/nothing/is/started/by/gathering"],
            bell=bell,
            stop_requested=lambda: False,
            nudge=lambda job_id: None,
        )
        yield House(kit, _grid(database))


def _grid(database: Database) -> str:
    submission = parse(GridSubmission, BODY)
    recipes = [(point, recipe_at(submission.recipe, point)) for point in points_of(submission.grid)]
    points = [PreparedPoint(point, recipe, recipe, None) for point, recipe in recipes]
    with database.write() as conn:
        model, data = inputs_of(conn, tenant="ada", submission=submission, check_header=lambda *_: None)
        grid = create_grid(conn, tenant="ada", submission=submission, model=model, dataset=data, points=points)
    inspection = leases.claim(database, slot=replace(SLOT, kinds=("inspect",)), ttl_seconds=60)
    assert inspection is not None
    finish_inspection(database, inspection.lease, ready={"summary": DIGITS}, canonical=Stored("c" * 64, 1))
    return grid


def look(house: House) -> None:
    """Let the slot look: it finds the grid and gathers it."""
    Slot(SLOT, house.kit, hint=lambda kind: None).look()


def test_a_grid_is_gathered_into_a_report_over_all_its_points(house: House, tmp_path: Path) -> None:
    house.end_point(point_done(0.6))
    house.end_point(point_done(0.7))
    look(house)
    row, files = house.row(), house.files()
    assert row["state"] == "succeeded"
    assert (row["gate"]["outcome"], row["used_flops"]) == ("passed", 1000.0)
    assert row["best"]["point"] == {"/seed": 1}
    assert row["summary"]["counts"] == {"total": 2, "succeeded": 2, "failed": 0, "cancelled": 0}
    assert sorted(files) == ["SHA256SUMS", "levels.csv", "manifest.json", "report.html", "report.json", "report.md"]
    report = json.loads(files["report.json"])
    assert [point["sparsity"] for point in report["points"]] == [0.6, 0.7]
    assert b"<!doctype html>" in files["report.html"]
    assert len(list(csv.DictReader(io.StringIO(files["levels.csv"].decode())))) == 4
    out = tmp_path / "out"
    out.mkdir()
    for name, data in files.items():
        (out / name).write_bytes(data)
    assert set(check_listing(out)) == set(files)


def test_points_that_failed_leave_a_report_that_says_so_and_miss_the_gates(house: House) -> None:
    house.end_point(FAILED)
    house.end_point(point_done(0.7))
    look(house)
    row = house.row()
    assert (row["state"], row["gate"]["outcome"]) == ("succeeded", "missed")
    assert [warning["code"] for warning in row["warnings"]] == ["child_failed"]
    assert json.loads(house.files()["report.json"])["counts"]["failed"] == 1


def test_a_grid_of_which_nothing_came_fails(house: House) -> None:
    house.end_point(FAILED)
    house.end_point(FAILED)
    look(house)
    row = house.row()
    assert (row["state"], row["error"]["code"]) == ("failed", "children_failed")
    assert row["error"]["detail"] == "none of the 2 points succeeded: 2 diverged"
    assert house.files() == {}


def test_a_cancel_that_was_answered_wins_over_a_gathering_that_is_under_way(house: House) -> None:
    house.end_point(point_done(0.6))
    house.end_point(point_done(0.7))
    claim = house.claim()
    with begun(claim, house.kit) as work:
        assert request_cancel(house.db, tenant="ada", job_id=house.grid) == "cancelling"
        gather(work)
    assert house.row()["state"] == "cancelled"


def test_a_gathering_whose_lease_was_lost_writes_nothing(house: House) -> None:
    house.end_point(point_done(0.6))
    house.end_point(point_done(0.7))
    stale = house.claim()
    leases.release(house.db, stale.lease, reason="drained", strike=False)
    look(house)
    done = dict(house.row())
    with pytest.raises(LeaseLostError):
        finish(house.db, stale.lease, outcome=Stopped())
    assert dict(house.row()) == done
    assert done["attempt"] == 2


def test_gathering_loads_no_torch() -> None:
    program = "import sys, workers.gathering; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_points_that_differ_in_their_seed_alone_are_judged_together(house: House, tmp_path: Path) -> None:
    for lead in (1, 3):
        house.end_point(answered(house, tmp_path, lead=lead))
    look(house)
    files = house.files()
    (found,) = json.loads(files["report.json"])["pooled"]
    assert (found["refused"], found["seeds"], found["level"]) == (None, [0, 1], 1)
    assert found["certificate"]["against"]["dense"]["differences"] == pytest.approx([0.01, 0.03])
    assert (found["certificate"]["n"], found["certificate"]["verdict"]) == (2, "inconclusive")
    assert b"cannot be judged on n = 2" in files["report.html"]
    assert b"## Over seeds" in files["report.md"]


def test_answers_that_are_gone_are_said_to_be_and_the_grid_is_gathered_all_the_same(
    house: House, tmp_path: Path
) -> None:
    made = [answered(house, tmp_path, lead=lead) for lead in (1, 3)]
    for point in made:
        house.end_point(point)
    assert house.kit.blobs.delete(made[1].artifacts[0].sha256)
    look(house)
    (found,) = json.loads(house.files()["report.json"])["pooled"]
    assert house.row()["state"] == "succeeded"
    assert found["certificate"] is None
    assert found["refused"].endswith("are missing or damaged")
