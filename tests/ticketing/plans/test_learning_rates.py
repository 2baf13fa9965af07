"""ticketing.plans.learning_rates: every schedule and its warm-up, update by update."""

from math import cos, pi
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.plans.learning_rates import last_learning_rate, learning_rates, spread_over
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


def test_a_cosine_falls_by_half_a_wave_and_is_still_above_its_end_at_the_last_update() -> None:
    made = rates({"name": "cosine", "final_fraction": 0.25}, updates=6)
    assert made == pytest.approx([0.8 * (0.25 + 0.75 * (1 + cos(pi * step / 6)) / 2) for step in range(6)])
    assert made[0] == 0.8
    assert made[3] == pytest.approx(0.5)
    assert made[-1] > 0.2


def test_a_cosine_agrees_with_that_of_torch() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    rule = torch.optim.SGD([parameter], lr=0.8)
    theirs, expected = torch.optim.lr_scheduler.CosineAnnealingLR(rule, T_max=50, eta_min=0.08), []
    for _ in range(50):
        expected.append(rule.param_groups[0]["lr"])
        rule.step()
        theirs.step()
    assert rates({"name": "cosine", "final_fraction": 0.1}, updates=50) == pytest.approx(expected)


def test_a_cosine_begins_to_fall_after_its_warm_up() -> None:
    made = rates({"name": "cosine", "warmup": "2it"}, updates=6)
    assert made == pytest.approx([0.4, 0.8, 0.8, 0.8 * (1 + cos(pi / 4)) / 2, 0.4, 0.8 * (1 - cos(pi / 4)) / 2])


def test_one_cycle_goes_up_in_a_line_and_down_in_a_line() -> None:
    made = rates({"name": "one_cycle", "warmup": "2it"}, updates=6)
    assert made == pytest.approx([0.4, 0.8, 0.8, 0.6, 0.4, 0.2])


def test_one_cycle_rises_for_three_tenths_where_nothing_is_said() -> None:
    made = rates({"name": "one_cycle"}, updates=10)
    assert (
        made
        == rates({"name": "one_cycle", "warmup": "3it"}, updates=10)
        == rates({"name": "one_cycle", "warmup": "1ep"}, updates=10)
    )
    assert made.index(max(made)) == 2
    assert rates({"name": "one_cycle"}, updates=14) == rates({"name": "one_cycle", "warmup": "4it"}, updates=14)


@pytest.mark.parametrize("name", ["constant", "cosine", "one_cycle"])
def test_a_warm_up_may_be_all_there_is(name: str) -> None:
    assert rates({"name": name, "warmup": "4it"}, updates=4) == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_no_update_is_spent_at_zero() -> None:
    for name in ("cosine", "one_cycle"):
        assert min(rates({"name": name}, updates=100)) > 0


SCHEDULES = [
    {"name": "constant", "warmup": "2it"},
    {"name": "milestones", "at": ["4it", "6it"], "factor": 0.5},
    {"name": "cosine"},
    {"name": "one_cycle"},
]


def spread(schedule: dict[str, Any], updates: int) -> list[float]:
    optimizer = {"name": "sgd", "learning_rate": 0.8}
    training = Training.model_validate({"length": "8it", "optimizer": optimizer, "schedule": schedule})
    rate = spread_over(updates, training, 3)
    return [rate(step) for step in range(updates)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule["name"])
def test_a_schedule_spread_over_its_own_length_is_the_schedule(schedule: dict[str, Any]) -> None:
    assert spread(schedule, 8) == rates(schedule, updates=8)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule["name"])
@given(times=st.integers(1, 5))
def test_so_many_times_longer_it_stays_at_every_rate_so_many_times_as_long(
    schedule: dict[str, Any], times: int
) -> None:
    assert spread(schedule, 8 * times) == [rate for rate in rates(schedule, updates=8) for _ in range(times)]


def test_half_as_long_it_still_comes_to_its_drops() -> None:
    assert spread(SCHEDULES[1], 4) == [0.8, 0.8, 0.4, 0.2]
    assert spread(SCHEDULES[1], 1) == [0.8]
