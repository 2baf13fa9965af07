"""ticketing.journal.progress: updates of all trainings and attempts add up; the time left is this attempt's rate."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ticketing.architectures import inventory
from ticketing.journal.progress import RunProgress
from ticketing.journal.where import Where
from ticketing.observer import RecordingObserver
from ticketing.plans.early_bird import plan_early_bird
from ticketing.plans.plan import Plan
from ticketing.recipe import EarlyBird

WHERE = Where(0, "search", "ticket", 1)


@pytest.fixture
def counted(make_bench: Any) -> RunProgress:
    plan: Plan = make_bench(levels=1, evidence={"replicates": 0}).plan
    assert (plan.updates, plan.steps_per_epoch) == (40, 9)
    seconds = iter(range(100))
    return RunProgress(RecordingObserver(), lambda: float(next(seconds)), plan)


def told(counted: RunProgress, step: int, *, updates: int) -> dict[str, Any]:
    counted.tell(WHERE, step=step, steps_total=20, updates=updates)
    assert isinstance(counted.observer, RecordingObserver)
    return counted.observer.last_progress


def test_the_first_word_knows_no_rate(counted: RunProgress) -> None:
    assert told(counted, 1, updates=1)["seconds_remaining"] is None


def test_the_time_left_is_that_of_what_is_left(counted: RunProgress) -> None:
    told(counted, 1, updates=1)
    assert told(counted, 11, updates=11)["seconds_remaining"] == pytest.approx(1.0 / 10 * 29)


def test_updates_of_an_earlier_attempt_say_nothing_of_the_rate(counted: RunProgress) -> None:
    counted.skip(WHERE, 10)
    told(counted, 11, updates=1)
    said = told(counted, 12, updates=2)
    assert said["fraction"] == 12 / 40
    assert said["seconds_remaining"] == pytest.approx(28.0)


def test_epochs_begin_with_the_first_update(counted: RunProgress) -> None:
    assert [told(counted, step, updates=step)["epoch"] for step in (0, 8, 9, 18)] == [0, 0, 1, 2]
    assert told(counted, 1, updates=1)["epochs_total"] == 3


def test_a_training_speaks_of_itself_and_the_run_is_told(counted: RunProgress) -> None:
    inside = counted.inside(WHERE, begins_at=5)
    inside.progress(step=8, steps_total=20)
    said = told(counted, 8, updates=3)
    assert (said["fraction"], said["branch"], said["step"]) == (3 / 40, "ticket", 8)


def test_updates_count_as_the_plan_weighs_those_of_their_level(counted: RunProgress) -> None:
    plan = SimpleNamespace(effort=80.0, effort_of=lambda level: 1.0 + level, levels=1, steps_per_epoch=9)
    counted = RunProgress(counted.observer, counted.clock, cast(Plan, plan))
    counted.skip(Where(0, "search", "dense", 0), 20)
    counted.skip(WHERE, 5)
    assert told(counted, 10, updates=10)["fraction"] == (20 + 2 * 5 + 2 * 10) / 80
    said = told(counted, 15, updates=15)  # of level 1, in a second
    assert said["seconds_remaining"] == pytest.approx((80 - 60) / (2 * 5))


@pytest.mark.parametrize("watched", [6, 27])
def test_a_search_that_settles_sooner_leaves_what_follows_it(counted: RunProgress, watched: int) -> None:
    listed = inventory("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3})
    evidence = {"replicates": 1, "controls": ["reinit"]}
    asked = {"search": "early_bird", "training": {"length": "10ep", "batch_size": 30}, "evidence": evidence}
    plan = plan_early_bird(listed, EarlyBird.model_validate(asked), train=90, test=50)
    counted = RunProgress(counted.observer, counted.clock, plan)
    counted.skip(Where.of_search(0, 0), watched)
    counted.skip(Where.of_search(0, 1), 30 - watched)
    counted.searched()
    counted.skip(Where(0, "certificate", "dense", 0), 30)
    counted.skip(Where(0, "certificate", "reinit", 1), 30)
    last = Where(0, "certificate", "ticket", 1)
    counted.tell(last, step=0, steps_total=15, updates=0)
    assert isinstance(counted.observer, RecordingObserver)
    assert 1 - counted.observer.last_progress["fraction"] == pytest.approx(15 * plan.effort_of(1) / counted.total)
    counted.tell(last, step=15, steps_total=15, updates=15)
    assert counted.observer.last_progress["fraction"] == pytest.approx(1.0)


def test_more_updates_than_planned_are_all_of_them(counted: RunProgress) -> None:
    assert told(counted, 20, updates=50)["fraction"] == 1.0


def test_the_question_to_stop_goes_to_the_runs_observer(counted: RunProgress) -> None:
    assert not counted.inside(WHERE, begins_at=0).stop_requested()
