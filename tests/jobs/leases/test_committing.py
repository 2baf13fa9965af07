"""jobs.leases.committing: facts, levels and the checkpoint that carries them are written together, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import LeaseLostError
from jobs.events import NewEvent
from jobs.leases import Checkpoint, Lease, NewLevel, commit, release
from jobs.tables import blob, checkpoint, level

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def commit_level(bench: Bench, lease: Lease, n: int, *, sha256: str | None = None) -> int:
    return commit(
        bench.db,
        lease,
        events=[
            NewEvent("job.level_completed", {"replicate": 0, "level": n}),
            NewEvent("job.checkpoint_saved", {"number": n}),
        ],
        checkpoint=Checkpoint(n, sha256 or f"{n:064x}", 10, {"level": n}, {}),
        levels=[NewLevel(0, n, 90, 100, 0.1, {"validation_accuracy": 0.5})],
    )


def strike(bench: Bench, lease: Lease) -> Lease:
    release(bench.db, lease, reason="x", strike=True, retry_delay_seconds=0)
    return bench.claim().lease


def test_everything_is_written_together(bench: Bench) -> None:
    lease = bench.running().lease
    assert commit_level(bench, lease, 1) == 3
    assert bench.types(lease.job_id) == ["job.queued", "job.level_completed", "job.checkpoint_saved"]
    assert [bench.count(table) for table in (level, checkpoint)] == [1, 1]
    assert bench.count(blob, sha256=f"{1:064x}") == 1


def test_nothing_is_written_when_the_lease_is_lost(bench: Bench) -> None:
    lease = bench.running().lease
    bench.expire()
    bench.sweep()
    with pytest.raises(LeaseLostError):
        commit_level(bench, lease, 1)
    assert [bench.count(table) for table in (level, checkpoint)] == [0, 0]
    assert "job.level_completed" not in bench.types(lease.job_id)


def test_a_commit_whose_answer_got_lost_can_be_repeated(bench: Bench) -> None:
    lease = bench.running().lease
    assert commit_level(bench, lease, 1) == commit_level(bench, lease, 1)
    assert [bench.count(table) for table in (level, checkpoint)] == [1, 1]


def test_the_last_two_checkpoints_are_kept(bench: Bench) -> None:
    lease = bench.running().lease
    for n in range(1, 6):
        commit_level(bench, lease, n)
    assert [bench.count(checkpoint, number=n) for n in range(1, 6)] == [0, 0, 0, 1, 1]
    assert bench.count(level) == 5


def test_an_attempt_that_fell_back_replaces_the_checkpoint_and_repeats_no_fact(bench: Bench) -> None:
    lease = bench.running().lease
    for n in (1, 2):
        commit_level(bench, lease, n)
    lease = strike(bench, lease)
    commit_level(bench, lease, 2, sha256="f" * 64)
    assert bench.count(checkpoint, number=2, sha256="f" * 64) == 1
    told = [(e["type"], e["attempt"]) for e in bench.log(lease.job_id) if e["type"] == "job.level_completed"]
    assert told == [("job.level_completed", 1), ("job.level_completed", 1)]


def test_a_checkpoint_further_on_takes_the_strikes_away(bench: Bench) -> None:
    lease = strike(bench, strike(bench, bench.running().lease))
    assert bench.row(lease.job_id)["strikes"] == 2
    commit_level(bench, lease, 1)
    assert bench.row(lease.job_id)["strikes"] == 0


def test_a_checkpoint_made_again_and_a_commit_without_one_leave_the_strikes(bench: Bench) -> None:
    lease = bench.running().lease
    commit_level(bench, lease, 1)
    lease = strike(bench, lease)
    commit_level(bench, lease, 1)
    commit(bench.db, lease, events=[NewEvent("job.phase", {"phase": "prune"})], phase="prune")
    assert bench.row(lease.job_id)["strikes"] == 1


def test_the_phase_is_shown(bench: Bench) -> None:
    lease = bench.running().lease
    commit(bench.db, lease, phase="prune")
    commit(bench.db, lease)
    assert bench.row(lease.job_id)["phase"] == "prune"


def test_a_warning_is_shown_once_however_often_it_was_told(bench: Bench) -> None:
    lease = bench.running().lease
    warning, other = {"code": "a", "detail": "b"}, {"code": "c", "detail": "d"}
    commit(bench.db, lease, warnings=[warning])
    commit(bench.db, lease, warnings=[warning, other])
    assert bench.row(lease.job_id)["warnings"] == [warning, other]
