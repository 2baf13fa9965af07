"""ticketing.learning_rates: constant, milestones and warm-up, update by update."""

from typing import Any

import pytest

from ticketing.learning_rates import last_learning_rate, learning_rates
from ticketing.recipe import Training


def rates(schedule: dict[str, Any], *, updates: int, per_epoch: int = 3) -> list[float]:
    training = Training.model_validate(
        {"length": f"{updates}it", "optimizer": {"name": "sgd", "learning_rate": 0.8}, "schedule": schedule}
    )
    rate = learning_rates(training, per_epoch)
    assert last_learning_rate(training, per_epoch) == rate(updates - 1)
    return [rate(step) for step in range(updates)]


def test_constant_is_constant() -> None:
    assert rates({"name": "constant"}, updates=3) == [0.8] * 3


def test_milestones_multiply_from_their_step_on() -> None:
    milestones = {"name": "milestones", "at": ["2it", "4it"], "factor": 0.5}
    assert rates(milestones, updates=6) == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


def test_milestones_may_be_in_epochs_and_in_any_order() -> None:
    milestones = {"name": "milestones", "at": ["4it", "1ep"], "factor": 0.5}
    assert rates(milestones, updates=6) == [0.8, 0.8, 0.8, 0.4, 0.2, 0.2]


@pytest.mark.parametrize("name", ["constant", "milestones"])
def test_a_warm_up_rises_linearly_to_the_full_rate(name: str) -> None:
    schedule = {"name": name, "warmup": "4it"} | ({"at": ["5it"], "factor": 0.5} if name == "milestones" else {})
    end = 0.4 if name == "milestones" else 0.8
    assert rates(schedule, updates=6) == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, end])
