"""ticketing.ladder.counts: every level keeps an exact number, and a fork counts on from its parent's."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.counts import groups, kept_counts
from ticketing.ladder.schedule import ladder
from ticketing.plans.parsing import resolve
from ticketing.recipe import Iterative


def network(name: str = "lenet-300-100") -> Inventory:
    return inventory(name, arguments_for(name, {}, data_shape=None, classes=None))


def recipe(**fields: Any) -> Iterative:
    raw = {"search": "iterative", **fields}
    return resolve(raw, architecture="lenet-300-100", uploaded=False, weights="initial", device_kind="cpu", seed=0)


def start(level: int, before: StartSpec | None = None, **fields: Any) -> StartSpec:
    return StartSpec(job="job_a", level=level, sha256="0" * 64, recipe=recipe(**fields), start=before)


def refused(asked: Iterative, begun: StartSpec) -> list[tuple[str, str]]:
    with pytest.raises(RecipeError) as caught:
        kept_counts(network(), asked, begun)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


def test_the_output_layer_has_a_rate_of_its_own() -> None:
    assert kept_counts(network(), recipe(levels=1))[1] == {
        "fc1.weight": 188_160,
        "fc2.weight": 24_000,
        "fc3.weight": 900,
    }


def test_a_rate_by_name_goes_before_that_of_the_kind_the_most_literal_glob_first() -> None:
    by_name = {"fc*": 0.5, "fc1": 0.1, "?c2": 0.4, "*": 0.9}
    row = kept_counts(network(), recipe(levels=1, rate={"default": 0.2, "output": 0.3, "by_name": by_name}))[1]
    assert row == {"fc1.weight": 211_680, "fc2.weight": 18_000, "fc3.weight": 500}


def test_a_glob_that_matches_no_layer_is_refused_by_its_pointer() -> None:
    with pytest.raises(RecipeError, match=r"'layer1/~\*', which matches none") as caught:
        kept_counts(network(), recipe(rate={"default": 0.2, "by_name": {"layer1/~*": 0.1, "fc1": 0.1}}))
    faults = caught.value.faults
    assert [(f.pointer, f.code, f.allowed) for f in faults] == [
        ("/recipe/rate/by_name/layer1~1~0*", "matches_no_layer", ("fc1", "fc2", "fc3"))
    ]


@pytest.mark.parametrize("scope", ["global", "lamp"])
def test_a_name_may_be_exempt_where_all_compete(scope: str) -> None:
    asked = recipe(scope=scope, rate={"default": 0.5, "output": None, "by_name": {"fc1": 0}}, levels=1)
    assert kept_counts(network(), asked)[1] == {"global": 15_500, "fc1.weight": 235_200}


def test_layers_that_competed_alone_may_go_on_under_erk_and_none_grows() -> None:
    rows = kept_counts(network(), recipe(levels=5, scope="erk", rate=0.5), start(2, levels=2, rate=0.2))
    assert [sum(row.values()) for row in rows[2:]] == ladder(sum(rows[2].values()), 0.5, 3)
    assert all(after[name] <= before[name] for before, after in pairwise(rows) for name in before)


def test_all_compete_under_global_but_those_exempt() -> None:
    exempting = recipe(scope="global", rate={"default": 0.2, "output": 0}, levels=2)
    assert groups(network(), exempting) == {"global": ("fc1.weight", "fc2.weight"), "fc3.weight": ("fc3.weight",)}
    assert kept_counts(network(), exempting)[2] == {"global": 169_728, "fc3.weight": 1_000}


@given(
    level=st.integers(1, 5),
    more=st.integers(0, 5),
    rate=st.sampled_from([0.05, 0.2, 0.5]),
    scope=st.sampled_from(["layerwise", "global", "erk", "lamp"]),
    sparsity=st.one_of(st.none(), st.floats(0.3, 0.95)),
)
def test_a_fork_that_changes_nothing_has_its_parents_ladder(
    level: int, more: int, rate: float, scope: str, sparsity: float | None
) -> None:
    end = {"levels": level + more} if sparsity is None else {"target": {"sparsity": sparsity}}
    asked = {"scope": scope, "rate": rate, **end}
    rows = kept_counts(network(), recipe(**asked))
    begins = min(level, len(rows) - 1)
    assert kept_counts(network(), recipe(**asked), start(begins, **asked)) == rows


@given(level=st.integers(1, 6), sparsity=st.floats(0.75, 0.97), rate=st.sampled_from([0.1, 0.3]))
def test_a_fork_begins_with_its_parents_counts_and_ends_at_its_own_target(
    level: int, sparsity: float, rate: float
) -> None:
    parent = kept_counts(network(), recipe(levels=6))
    rows = kept_counts(network(), recipe(target={"sparsity": sparsity}, rate=rate), start(level, levels=6))
    assert rows[: level + 1] == parent[: level + 1]
    assert sum(rows[-1].values()) == round(266_200 * (1 - sparsity))


def test_a_fork_of_a_fork_counts_on_from_both() -> None:
    first = start(2, levels=3, rate=0.5)
    second = start(3, first, levels=4, rate=0.2)
    rows = kept_counts(network(), recipe(levels=4, rate=0.1), second)
    assert [row["fc2.weight"] for row in rows] == [30_000, 15_000, 7_500, 6_000, 5_400]


def test_layers_that_competed_alone_may_compete_together_from_then_on() -> None:
    rows = kept_counts(network(), recipe(levels=2, scope="global", rate=0.2), start(1, levels=1))
    assert [sum(row.values()) for row in rows] == [266_200, 213_060, 170_448]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"scope": "layerwise", "rate": 0.2}, "/recipe/scope"),
        ({"scope": "global", "rate": {"default": 0.2, "output": 0}}, "/recipe/rate"),
    ],
)
def test_layers_that_competed_together_cannot_be_told_apart(asked: dict[str, Any], pointer: str) -> None:
    begun = start(1, levels=1, scope="global", rate=0.2)
    assert refused(recipe(levels=2, **asked), begun) == [(pointer, "counts_unknown")]


def test_a_fork_cannot_end_before_it_begins() -> None:
    assert refused(recipe(levels=2), start(3, levels=4)) == [("/recipe/levels", "before_start")]
    sparse = recipe(target={"sparsity": 0.3})
    assert refused(sparse, start(3, levels=4)) == [("/recipe/target/sparsity", "before_start")]
    assert refused(recipe(levels=9), start(5, levels=4)) == [("/from_level", "no_such_level")]
