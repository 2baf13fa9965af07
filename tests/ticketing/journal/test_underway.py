"""ticketing.journal.underway: what is finished is known to the next attempt; what is said is counted and saved."""

from typing import Any

import pytest

from ticketing.journal.journal import open_journal
from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver, Stopped
from ticketing.training.trained import Trained

WHERE = Where(replicate=0, stage="search", branch="ticket", level=1)


def trained(bench: Workbench) -> tuple[Trained, Result]:
    return bench.train(WHERE, bench.subject.initial_state, mask=Mask.full(bench.subject.shapes), order_seed=1)


def test_a_finished_training_is_known_to_the_next_attempt(make_bench: Any) -> None:
    bench = make_bench()
    made, result = trained(bench)
    assert not bench.passed(WHERE)
    bench.record(WHERE, result, made)
    bench.between(WHERE)
    again = make_bench()
    assert again.passed(WHERE)
    assert (again.result(WHERE), again.progress.done) == (result, result.updates)


def test_a_training_taken_over_counts_nothing_towards_this_run(make_bench: Any) -> None:
    bench = make_bench()
    made, result = trained(bench)
    bench.record(WHERE, result, made)
    bench.journal.facts[WHERE.piece]["inherited"] = True
    done = bench.progress.done
    assert bench.passed(WHERE)
    assert (bench.inherited(WHERE), bench.progress.done) == (True, done)


def test_a_stop_between_trainings_saves_first(make_bench: Any) -> None:
    bench = make_bench(observer=RecordingObserver(stop_after=0))
    with pytest.raises(Stopped):
        bench.between(WHERE, least_seconds=1e9)
    assert bench.observer.of_type("checkpoint_saved")[0]["number"] == 1


def test_a_checkpoint_younger_than_asked_is_enough(make_bench: Any) -> None:
    bench = make_bench()
    for _ in range(5):
        bench.between(WHERE, least_seconds=1e6)
    assert len(bench.observer.of_type("checkpoint_saved")) == 1


def test_what_was_too_young_for_a_checkpoint_of_its_own_is_saved_at_the_end(make_bench: Any) -> None:
    bench = make_bench()
    bench.save_the_rest()
    assert bench.observer.of_type("checkpoint_saved") == []
    for _ in range(3):
        bench.between(WHERE, least_seconds=1e6)
    bench.save_the_rest()
    bench.save_the_rest()
    assert [told["number"] for told in bench.observer.of_type("checkpoint_saved")] == [1, 2]


def test_a_phase_is_said_when_it_changes(make_bench: Any) -> None:
    bench = make_bench()
    for phase in ("prune", "prune", "rewind", "prune"):
        bench.phase(phase)
    assert [told["phase"] for told in bench.observer.of_type("phase")] == ["prune", "rewind", "prune"]


def test_how_often_promises_were_checked_is_in_the_checkpoint(make_bench: Any) -> None:
    bench = make_bench()
    bench.invariants.hold("masks_monotone", True, "")
    bench.save(WHERE)
    again = open_journal(bench.journal.folder, run_digest=bench.journal.run_digest, execution_key={})
    assert again.facts["run/invariants"]["masks_monotone"] == 1


def test_what_trains_nothing_says_again_how_far_the_run_is_and_ends_when_asked_to(make_bench: Any) -> None:
    bench = make_bench()
    bench.still_there()
    assert bench.observer.last_progress == {}
    bench.progress.tell(WHERE, step=5, steps_total=20, updates=5)
    said, bench.observer.last_progress = bench.observer.last_progress, {}
    bench.still_there()
    assert bench.observer.last_progress == said != {}
    with pytest.raises(Stopped):
        make_bench(observer=RecordingObserver(stop_after=0)).still_there()
