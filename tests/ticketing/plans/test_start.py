"""ticketing.plans.start: what a checkpoint holds, and what a fork takes over of it."""

from typing import Any

import pytest

from ticketing.architectures import arguments_for, inventory
from ticketing.folder import StartSpec
from ticketing.plans.parsing import resolve
from ticketing.plans.start import overridden, recipe_of_level, start_from, taken_over
from ticketing.recipe import Iterative

NETWORK = inventory("lenet-300-100", arguments_for("lenet-300-100", {}, data_shape=None, classes=None))
DIGEST = "0" * 64


def recipe(**fields: Any) -> Iterative:
    raw = {"search": "iterative", "levels": 4, **fields}
    return resolve(raw, architecture="lenet-300-100", uploaded=False, weights="initial", device_kind="cpu", seed=0)


def searches(level: int, where: tuple[str, int, int], *, own: str | None = None, **fields: Any) -> int | None:
    """In how many searches a checkpoint holds a level; None when it does not."""
    stage, replicate, at = where
    found = start_from(
        job="job_a",
        level=level,
        sha256=DIGEST,
        where={"stage": stage, "replicate": replicate, "branch": "ticket", "level": at, "step": 0},
        parent=recipe(**fields),
        parent_start=None,
        recipe=recipe(**fields) if own is None else recipe(**fields | {"rewind": own}),
        inventory=NETWORK,
    )
    return None if found is None else found.searches


@pytest.mark.parametrize(
    ("level", "where", "held"),
    [
        (1, ("search", 0, 0), None),
        (2, ("search", 0, 2), 1),
        (3, ("search", 0, 2), None),
        (2, ("search", 1, 1), 1),
        (2, ("search", 1, 2), 2),
        (4, ("certificate", 0, 0), 3),
        (5, ("certificate", 0, 0), None),
        (0, ("certificate", 0, 0), None),
    ],
)
def test_a_level_is_held_by_every_search_that_drew_its_mask(
    level: int, where: tuple[str, int, int], held: int | None
) -> None:
    assert searches(level, where) == held


@pytest.mark.parametrize(
    ("level", "where", "held"),
    [
        (2, ("search", 0, 2), 1),
        (2, ("search", 1, 2), 2),
        (2, ("search", 1, 1), None),
        (2, ("certificate", 1, 2), 3),
        (3, ("certificate", 1, 2), None),
    ],
)
def test_of_a_search_that_a_budget_may_have_ended_no_level_above_its_checkpoint_is_held(
    level: int, where: tuple[str, int, int], held: int | None
) -> None:
    assert searches(level, where, budget={"seconds": 9}) == held


@pytest.mark.parametrize("rewinds", [{"rewind": "lr"}, {"rewind": "none"}])
@pytest.mark.parametrize(
    ("level", "where", "held"),
    [
        (2, ("search", 0, 2), 1),
        (2, ("search", 0, 3), None),
        (2, ("search", 1, 2), None),
        (4, ("search", 1, 1), 1),
        (4, ("certificate", 0, 0), 3),
        (3, ("certificate", 0, 0), None),
    ],
)
def test_trained_weights_are_held_while_a_search_is_there_and_of_the_last_level(
    rewinds: dict[str, str], level: int, where: tuple[str, int, int], held: int | None
) -> None:
    assert searches(level, where, **rewinds) == held


@pytest.mark.parametrize("kept", [{"keep_levels": "models"}, {"evidence": {"levels": "all"}}])
def test_trained_weights_of_every_level_are_held_where_they_were_kept(kept: dict[str, Any]) -> None:
    assert [searches(level, ("certificate", 0, 0), **{"rewind": "lr", **kept}) for level in (1, 4)] == [3, 3]


def test_a_fork_may_restart_from_trained_weights_where_its_parent_rewound() -> None:
    assert searches(2, ("search", 0, 2), own="lr") == 1
    # The last level is trained: what it restarted from is the rewind point, and the level before it is forgotten.
    assert searches(4, ("search", 0, 4), own="lr") is None


def test_overrides_are_merged_as_a_patch() -> None:
    parent = recipe(rewind="2ep").model_dump(mode="json")
    assert overridden(parent, {})["rewind"] == "2ep"
    merged = overridden(parent, {"training": {"length": "9it"}, "rewind": None})
    assert merged["training"] == parent["training"] | {"length": "9it"}
    assert "rewind" not in merged
    sgd = overridden(parent, {"training": {"optimizer": {"name": "sgd", "learning_rate": 0.1}}})
    assert sgd["training"]["optimizer"] == {"name": "sgd", "learning_rate": 0.1}


def test_a_target_replaces_levels_and_the_other_way_round() -> None:
    parent = recipe().model_dump(mode="json")
    aimed = overridden(parent, {"target": {"sparsity": 0.9}})
    assert ("levels" in aimed, aimed["target"]) == (False, {"sparsity": 0.9})
    back = overridden(aimed, {"levels": 7})
    assert ("target" in back, back["levels"]) == (False, 7)


def start(level: int = 2, before: StartSpec | None = None, **fields: Any) -> StartSpec:
    return StartSpec(job="job_a", level=level, sha256=DIGEST, recipe=recipe(**fields), searches=2, start=before)


def test_a_run_takes_over_no_more_searches_than_it_needs() -> None:
    assert taken_over(recipe(evidence="quick"), start()) == 1
    assert taken_over(recipe(evidence="paper"), start()) == 2
    assert taken_over(recipe(), None) == 0


def test_every_level_was_trained_under_the_recipe_of_its_own_run() -> None:
    begun = start(3, start(1, training={"batch_size": 16}), training={"batch_size": 32})
    sizes = [recipe_of_level(level, recipe(), begun).training.batch_size for level in range(5)]
    assert sizes == [16, 32, 32, recipe().training.batch_size, recipe().training.batch_size]


def test_a_start_survives_being_stored() -> None:
    begun = start(3, start(1, rewind="500it"))
    assert StartSpec.model_validate_json(begun.model_dump_json()) == begun
