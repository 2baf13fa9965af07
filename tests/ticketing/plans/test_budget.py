"""ticketing.plans.budget: as many levels as are paid and no more, known beforehand; too little is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.plans.budget import Course, affordable, warnings_of_budget
from ticketing.plans.iterative import plan
from ticketing.plans.parsing import parse_recipe, resolve
from ticketing.plans.plan import Plan
from ticketing.recipe import Iterative

LENET: Inventory = inventory("lenet-300-100", arguments_for("lenet-300-100", {}))
UPDATE = 6 * 266_200 * 60
"""Operations of one update of LeNet-300-100 on 60 examples."""


def recipe(**words: Any) -> Iterative:
    asked = {"search": "iterative", "levels": 10, "evidence": "none", "training": {"length": "100it"}}
    raw = {name: value for name, value in (asked | words).items() if value is not None}
    resolved = resolve(raw, architecture="lenet-300-100", uploaded=False, weights="initial", device_kind="cpu", seed=0)
    assert isinstance(resolved, Iterative)
    return resolved


def planned(*, trained: bool = False, start: StartSpec | None = None, **words: Any) -> Plan:
    return plan(LENET, recipe(**words), train=55_000, test=10_000, trained=trained, start=start)


courses = st.builds(
    Course,
    before=st.integers(0, 1000),
    level=st.integers(1, 1000),
    levels=st.integers(1, 60),
    flops=st.integers(1, 10**12),
    samples=st.integers(1, 1000),
)


@given(course=courses, flops=st.floats(1, 1e18), samples=st.integers(1, 10**8))
def test_the_levels_are_the_most_that_every_bound_pays(course: Course, flops: float, samples: int) -> None:
    def fits(levels: int) -> bool:
        return course.cost("flops", levels) <= flops and course.cost("samples", levels) <= samples

    asked = recipe(budget={"flops": flops, "samples": samples})
    if not fits(1):
        with pytest.raises(RecipeError):
            affordable(asked, course)
        return
    found = affordable(asked, course)
    assert found is not None
    assert found.levels == max(levels for levels in range(1, course.levels + 1) if fits(levels))
    assert (found.ended_by is None) == (found.levels == course.levels)


def test_without_a_budget_nothing_is_bounded() -> None:
    assert affordable(recipe(), Course(1, 1, 1, 1, 1)) is None
    assert planned().budget is None


@pytest.mark.parametrize(("samples", "levels"), [(12_000, 1), (17_999, 1), (18_000, 2), (65_999, 9), (66_000, 10)])
def test_the_ladder_ends_at_the_sample(samples: int, levels: int) -> None:
    # 100 updates of 60 examples: 6,000 for the dense run and for every level.
    made = planned(budget={"samples": samples})
    assert (made.levels, len(made.ladder), made.trainings) == (levels, levels + 1, levels + 1)
    assert made.updates == 100 * (levels + 1)


def test_the_ladder_ends_at_the_operation() -> None:
    assert planned(budget={"flops": 300 * UPDATE}).levels == 2
    assert planned(budget={"flops": 300 * UPDATE - 1}).levels == 1


def test_the_plan_says_by_which_bound_and_at_which_level_the_search_ends() -> None:
    made = planned(budget={"flops": 500 * UPDATE, "samples": 18_000})
    assert made.budget is not None
    assert made.budget["ended_by"] == "samples"
    assert (made.budget["levels"], made.budget["levels_asked"]) == (2, 10)
    assert made.budget["whole"] == {"flops": 1100 * UPDATE, "samples": 66_000}
    assert made.budget["within"] == {"flops": 300 * UPDATE, "samples": 18_000}
    told = {warning["code"]: warning["detail"] for warning in made.warnings}
    assert told["budget_ends_search"] == "18000 samples pay 2 of 10 levels of a search; all take 66000"


def test_a_budget_that_pays_everything_changes_nothing_but_says_so() -> None:
    made, free = planned(budget={"samples": 66_000}), planned()
    assert made.budget is not None
    assert made.budget["ended_by"] is None
    assert (made.ladder, made.updates) == (free.ladder, free.updates)
    assert "budget_ends_search" not in {warning["code"] for warning in made.warnings}


@pytest.mark.parametrize(
    ("budget", "pointers"),
    [
        ({"samples": 11_999}, ["/recipe/budget/samples"]),
        ({"flops": 1}, ["/recipe/budget/flops"]),
        ({"flops": 1, "samples": 1}, ["/recipe/budget/flops", "/recipe/budget/samples"]),
    ],
)
def test_not_one_level_is_refused_with_what_it_needs_and_what_came(budget: Any, pointers: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        planned(budget=budget)
    faults = caught.value.faults
    assert [(fault.pointer, fault.code) for fault in faults] == [(pointer, "budget_too_small") for pointer in pointers]
    if "samples" in budget:
        assert "expected 12000 samples or more" in faults[-1].detail
        assert f"got {budget['samples']}" in faults[-1].detail


def test_the_budget_is_of_one_search_whatever_evidence_walks_beside_it() -> None:
    alone, proven = (planned(budget={"samples": 18_000}, evidence=evidence) for evidence in ("none", "standard"))
    assert alone.levels == proven.levels == 2
    assert proven.search["updates"] == 3 * alone.search["updates"]
    assert "budget_of_one_search" in {warning["code"] for warning in proven.warnings}


def test_late_rewinding_trained_weights_and_forks_pay_for_what_they_train() -> None:
    assert planned(budget={"samples": 6_000 + 2 * 3_600}, rewind="40it").levels == 2
    assert planned(budget={"samples": 12_000}, rewind="lr", trained=True).levels == 2
    start = StartSpec(job="job_a", level=3, sha256="0" * 64, recipe=recipe(), searches=1)
    fork = planned(budget={"samples": 12_000}, start=start)
    assert (fork.levels, fork.trainings) == (4, 2)


def test_what_auto_tries_is_paid_first() -> None:
    # At most four children of 100 updates beside the dense run.
    assert planned(budget={"samples": 36_000}, rewind="auto").levels == 1
    with pytest.raises(RecipeError, match="expected 36000 samples"):
        planned(budget={"samples": 35_999}, rewind="auto")


def test_a_gradual_search_fits_as_a_whole_or_not_at_all() -> None:
    assert planned(schedule_of_pruning="gradual", budget={"samples": 12_000}).budget["ended_by"] is None  # type: ignore[index]
    with pytest.raises(RecipeError, match="expected 12000 samples"):
        planned(schedule_of_pruning="gradual", budget={"samples": 11_999})


def test_a_target_of_accuracy_keeps_its_rungs_and_counts_its_trainings() -> None:
    asked = {"target": {"max_accuracy_drop": 0.01}, "levels": None}
    made, free = planned(budget={"samples": 18_000}, **asked), planned(**asked)
    assert made.ladder == free.ladder
    assert (made.updates, made.at_most) == (300, True)


def test_a_target_that_may_be_missed_is_warned_of() -> None:
    made = planned(target={"sparsity": 0.9}, levels=None, budget={"samples": 18_000})
    (told,) = [warning["detail"] for warning in made.warnings if warning["code"] == "budget_ends_search"]
    assert told.endswith("so the target may not be reached")


def test_seconds_are_known_while_it_runs_and_cannot_be_repeated() -> None:
    made = planned(budget={"seconds": 1})
    assert (made.levels, made.at_most) == (10, True)
    assert made.budget is not None
    assert made.budget["repeatable"] is False
    assert "budget_not_repeatable" in {warning["code"] for warning in made.warnings}


@pytest.mark.parametrize(
    ("budget", "pointer"),
    [
        ({}, ""),
        ({"flops": 0}, "/flops"),
        ({"samples": 0}, "/samples"),
        ({"seconds": -1}, "/seconds"),
        ({"hours": 1}, "/hours"),
    ],
)
def test_a_budget_that_bounds_nothing_is_refused(budget: Any, pointer: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe({"search": "iterative", "budget": budget})
    assert [fault.pointer for fault in caught.value.faults] == [f"/recipe/budget{pointer}"]


def test_a_sweep_over_widths_has_no_budget() -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe({"search": "capacity_sweep", "budget": {"samples": 1}})
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/recipe/budget", "unknown_field")]


def test_nothing_is_warned_of_where_nothing_is_bounded() -> None:
    assert warnings_of_budget(recipe(), None, searches=3) == []
