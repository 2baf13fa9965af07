"""ticketing.plans.capacity_sweep: what a sweep will do is known exactly before it starts."""

from typing import Any

import pytest

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.plans import plan_of
from ticketing.plans.capacity_sweep import CapacityPlan, plan_sweep
from ticketing.plans.parsing import resolve
from ticketing.recipe import CapacitySweep


def network() -> Inventory:
    return inventory("mlp", arguments_for("mlp", {}))


def recipe(**fields: Any) -> CapacitySweep:
    raw = {"search": "capacity_sweep", **fields}
    made = resolve(raw, architecture="mlp", uploaded=False, weights="initial", device_kind="cpu", seed=0)
    assert isinstance(made, CapacitySweep)
    return made


def planned(**fields: Any) -> CapacityPlan:
    return plan_sweep(network(), recipe(**fields), train=55_000, test=10_000)


def test_the_default_is_the_grid_of_the_paper_about_n_k() -> None:
    plan = planned()
    assert plan.threshold == {"parameters": 40_000, "width": pytest.approx(50.3, abs=0.01)}
    assert [row["parameters"] for row in plan.widths] == [795 * row["width"] + 10 for row in plan.widths]
    assert sum(0.75 <= row["parameters_per_target"] <= 1.25 for row in plan.widths) == 6


def test_an_update_of_a_wide_network_takes_more_than_one_of_a_narrow_one() -> None:
    plan = planned(widths=[10, 1000], repeats=3, examples=1000, training={"length": "7it", "batch_size": 100})
    narrow, wide = plan.effort_of(0), plan.effort_of(1)
    parameters = [row["parameters"] for row in plan.widths]
    assert parameters[0] / parameters[1] < narrow < wide == 1.0  # some of an update is the same for all
    assert plan.effort == pytest.approx(3 * 7 * (narrow + wide))


def test_every_training_is_counted_once() -> None:
    plan = planned(widths=[10, 20, 30], repeats=2, examples=1000, training={"length": "7it", "batch_size": 100})
    assert (plan.trainings, plan.updates, plan.levels) == (6, 42, 2)
    assert plan.steps_per_epoch == 10
    assert plan.training_flops == 2 * 7 * 100 * 6 * (10 + 20 + 30) * 794


def test_more_examples_than_there_are_are_refused_before_anything_is_queued() -> None:
    with pytest.raises(RecipeError) as caught:
        planned(examples=60_000)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/recipe/examples", "too_few_examples")]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"widths": [10, 20]}, ["classical_regime"]),
        ({"widths": [100, 200]}, ["interpolating_regime"]),
        ({"widths": [10, 20], "loss": "cross_entropy"}, []),
        ({"widths": [10, 200], "repeats": 2}, ["few_repeats"]),
    ],
)
def test_a_grid_on_one_side_of_the_threshold_is_warned_of(fields: dict[str, Any], codes: list[str]) -> None:
    assert [warning["code"] for warning in planned(**fields).warnings] == codes


def test_the_plan_of_any_search_comes_from_one_place() -> None:
    assert plan_of(network(), recipe(), train=55_000, test=10_000) == planned()


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"widths": [20, 10]}, "/recipe"),
        ({"widths": [10, 10]}, "/recipe"),
        ({"widths": [10]}, "/recipe/widths"),
        ({"loss": "hinge"}, "/recipe/loss"),
        ({"levels": 3}, "/recipe/levels"),
        ({"evidence": "none"}, "/recipe/evidence"),
    ],
)
def test_what_a_sweep_does_not_know_is_refused_by_name(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(**fields)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


@pytest.mark.parametrize(("architecture", "uploaded"), [("resnet-20", False), ("mlp", True), ("lenet-300-100", False)])
def test_a_model_without_one_hidden_layer_of_free_width_is_refused(architecture: str, uploaded: bool) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(
            {"search": "capacity_sweep"},
            architecture=architecture,
            uploaded=uploaded,
            weights="initial",
            device_kind="cpu",
            seed=0,
        )
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/recipe/search", "unsupported_model")]
