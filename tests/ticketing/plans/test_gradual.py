"""ticketing.plans.gradual: the cubic schedule to the letter, exact counts at its end, and what it is not asked for."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.ladder.counts import kept_counts
from ticketing.plans.gradual import MOST_PRUNINGS, Prunings, prunings_of, warnings_of_gradual
from ticketing.plans.parsing import parse_recipe
from ticketing.recipe import Iterative

LENET: Inventory = inventory("lenet-300-100", arguments_for("lenet-300-100", {}))


def recipe(**words: Any) -> Iterative:
    asked = {"search": "iterative", "schedule_of_pruning": "gradual", "training": {"length": "1000it"}}
    parsed = parse_recipe(asked | words)
    assert isinstance(parsed, Iterative)
    return parsed


schedules = st.tuples(st.integers(0, 500), st.integers(1, 500), st.integers(1, 200)).map(
    lambda drawn: Prunings(drawn[0], drawn[0] + drawn[1], drawn[2])
)
shares = st.fractions(0, 1)


@given(schedule=schedules, initial=shares, final=shares, n=st.integers(0, 1000))
def test_the_sparsity_is_equation_1_of_the_paper(
    schedule: Prunings, initial: Fraction, final: Fraction, n: int
) -> None:
    step = schedule.begin + n % (schedule.end - schedule.begin + 1)
    way = (step - schedule.begin) / (schedule.end - schedule.begin)
    expected = float(final) + (float(initial) - float(final)) * (1 - way) ** 3
    assert float(schedule.sparsity(step, initial=initial, final=final)) == pytest.approx(expected, abs=1e-12)


def test_the_sparsity_at_quarters_of_the_way() -> None:
    # 1 - (3/4)^3 = 37/64, 1 - (1/2)^3 = 7/8, 1 - (1/4)^3 = 63/64 of what is to go.
    found = [Prunings(100, 500, 100).sparsity(step, final=Fraction(64, 100)) for step in (100, 200, 300, 400, 500)]
    assert found == [0, Fraction(37, 100), Fraction(56, 100), Fraction(63, 100), Fraction(64, 100)]


@given(schedule=schedules, initial=shares, final=shares)
def test_it_starts_at_the_first_sparsity_and_ends_at_the_last_exactly_and_stays_there(
    schedule: Prunings, initial: Fraction, final: Fraction
) -> None:
    at = [schedule.sparsity(step, initial=initial, final=final) for step in (0, schedule.begin, schedule.end, 10_000)]
    assert at == [initial, initial, final, final]


@given(schedule=schedules, dense=st.integers(0, 10_000), removed=shares)
def test_counts_only_fall_and_end_at_what_was_asked(schedule: Prunings, dense: int, removed: Fraction) -> None:
    final = {"a": dense - int(dense * removed)}
    kept = [schedule.counts(step, dense={"a": dense}, final=final)["a"] for step in schedule.steps]
    assert all(after <= before for before, after in pairwise([dense, *kept]))
    assert kept[-1] == final["a"]


@given(schedule=schedules)
def test_it_prunes_each_interval_and_at_the_end(schedule: Prunings) -> None:
    steps = schedule.steps
    gaps = [after - before for before, after in pairwise([schedule.begin, *steps])]
    assert set(gaps[:-1]) <= {schedule.every}
    assert 1 <= gaps[-1] <= schedule.every
    assert steps[-1] == schedule.end


@pytest.mark.parametrize("words", [{"levels": 20}, {"target": {"sparsity": 0.9}}, {"levels": 5, "scope": "erk"}])
def test_every_layer_ends_with_the_count_at_which_the_levels_would_end(words: dict[str, Any]) -> None:
    rows = kept_counts(LENET, recipe(**words, schedule_of_pruning="levels"))
    dense, final = kept_counts(LENET, recipe(**words))
    assert (dense, final) == (rows[0], rows[-1])


@pytest.mark.parametrize(
    ("gradual", "expected"),
    [
        ({}, Prunings(100, 750, 10)),
        ({"begin": 0, "end": 1, "every": 0.5}, Prunings(0, 1000, 500)),
        ({"begin": "1ep", "end": "500it", "every": "2ep"}, Prunings(9, 500, 18)),
        ({"every": 0.0001}, Prunings(100, 750, 1)),
    ],
)
def test_moments_are_steps_or_fractions_of_the_training(gradual: dict[str, Any], expected: Prunings) -> None:
    assert prunings_of(recipe(gradual=gradual), 9) == expected


def test_a_ladder_prunes_at_no_update() -> None:
    assert prunings_of(recipe(schedule_of_pruning="levels"), 9) is None


@pytest.mark.parametrize(
    ("words", "pointer", "code"),
    [
        ({"gradual": {"end": "1001it"}}, "/recipe/gradual/end", "pruning_out_of_training"),
        ({"gradual": {"begin": "100ep"}}, "/recipe/gradual/end", "pruning_out_of_training"),
        ({"gradual": {"begin": 0.75001, "end": "750it"}}, "/recipe/gradual/end", "pruning_out_of_training"),
        ({"rewind": "101it"}, "/recipe/rewind", "rewind_after_pruning"),
        (
            {"training": {"length": "20000it"}, "gradual": {"every": "1it"}},
            "/recipe/gradual/every",
            "too_many_prunings",
        ),
    ],
)
def test_moments_that_do_not_fit_the_training_are_refused(words: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(RecipeError) as caught:
        prunings_of(recipe(**words), 9)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]


def test_as_many_prunings_as_are_allowed_are_accepted() -> None:
    found = prunings_of(recipe(training={"length": "2000it"}, gradual={"begin": 0, "end": 0.5, "every": "1it"}), 9)
    assert found is not None
    assert len(found.steps) == MOST_PRUNINGS


@pytest.mark.parametrize(
    ("words", "pointer", "code"),
    [
        ({"schedule_of_pruning": "levels", "gradual": {"begin": 0.2}}, "/gradual", "needs_gradual"),
        ({"criterion": "snip"}, "/criterion", "decided_before_training"),
        ({"criterion": "gradient"}, "/criterion", "decided_before_training"),
        ({"criterion": "large_init"}, "/criterion", "decided_before_training"),
        ({"criterion": "small_init"}, "/criterion", "decided_before_training"),
        ({"rewind": "auto"}, "/rewind", "needs_levels"),
        ({"pruned": "freeze"}, "/pruned", "needs_levels"),
        ({"level_length": "early_stop"}, "/level_length", "needs_levels"),
        ({"level_length": "500it"}, "/level_length", "needs_levels"),
        ({"target": {"max_accuracy_drop": 0.01}}, "/target/max_accuracy_drop", "needs_levels"),
        ({"gradual": {"begin": 1.0}}, "/gradual/begin", "less_than"),
        ({"gradual": {"every": "0it"}}, "/gradual", "invalid_value"),
        ({"gradual": {"begin": 0.5, "end": 0.5}}, "/gradual", "invalid_value"),
        ({"gradual": {"begin": "3ep", "end": "3ep"}}, "/gradual", "invalid_value"),
    ],
)
def test_what_has_no_meaning_within_one_training_is_refused_by_its_field(
    words: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(**words)
    assert (f"/recipe{pointer}", code) in [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "words", [{"kept": "reinit"}, {"rewind": "lr"}, {"rewind": "none"}, {"rewind": "100it"}, {"criterion": "movement"}]
)
def test_what_has_a_meaning_is_accepted(words: dict[str, Any]) -> None:
    assert prunings_of(recipe(**words), 9) == Prunings(100, 750, 10)


DROPS = {"name": "milestones", "at": ["500it", "750it"], "factor": 0.1}


@pytest.mark.parametrize(
    ("words", "warned"),
    [
        ({}, False),
        ({"schedule_of_pruning": "levels"}, False),
        ({"gradual": {"end": 1.0}}, True),
        # A hundredth of the rate is left from update 750 on.
        ({"training": {"length": "1000it", "schedule": DROPS}}, True),
        ({"training": {"length": "1000it", "schedule": DROPS}, "gradual": {"end": "749it"}}, False),
        ({"training": {"length": "1000it", "schedule": {"name": "cosine"}}}, False),
        ({"training": {"length": "1000it", "schedule": {"name": "cosine"}}, "gradual": {"end": 0.99}}, True),
    ],
)
def test_a_last_pruning_that_can_hardly_be_made_up_for_is_warned_of(words: dict[str, Any], warned: bool) -> None:
    assert [code for code, _ in warnings_of_gradual(recipe(**words), 9)] == ["little_recovery"] * warned
