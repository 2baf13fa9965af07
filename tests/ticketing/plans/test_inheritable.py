"""ticketing.plans.inheritable: every field of a fork that asks for what its parent does not have is refused by name."""

from typing import Any

import pytest

from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.plans.inheritable import check_start
from ticketing.plans.parsing import resolve
from ticketing.recipe import Iterative

TO_A_SIZE = {"structure": "channel", "levels": None, "target": {"max_macs": 9}}


def recipe(**fields: Any) -> Iterative:
    raw = {"search": "iterative", "levels": 4, **fields}
    return resolve(raw, architecture="lenet-300-100", uploaded=False, weights="initial", device_kind="cpu", seed=0)


def start(level: int = 2, **fields: Any) -> StartSpec:
    return StartSpec(job="job_a", level=level, sha256="0" * 64, recipe=recipe(**fields), searches=2)


@pytest.mark.parametrize(
    ("own", "parents", "pointers"),
    [
        ({}, {}, []),
        ({"training": {"length": "9it"}, "levels": 9}, {}, []),
        ({"seed": 4}, {}, ["/recipe/seed"]),
        ({"rewind": "500it"}, {}, ["/recipe/rewind"]),
        ({"rewind": "500it"}, {"rewind": "lr"}, ["/recipe/rewind"]),
        ({"rewind": "0it"}, {"rewind": "500it"}, []),
        ({"rewind": "2ep"}, {"rewind": "2ep"}, []),
        ({"rewind": "2ep", "training": {"batch_size": 600}}, {"rewind": "2ep"}, ["/recipe/rewind"]),
        ({"keep_levels": "models"}, {}, ["/recipe/keep_levels"]),
        ({"keep_levels": "models"}, {"keep_levels": "models"}, []),
        ({"rewind": "lr", "evidence": {"levels": "all"}}, {"rewind": "lr"}, ["/recipe/evidence/levels"]),
        ({"evidence": {"levels": "all"}}, {"rewind": "lr"}, ["/recipe/rewind"]),
        ({"rewind": "lr", "evidence": {"levels": [4]}}, {"rewind": "lr"}, ["/recipe/evidence/levels"]),
        ({"rewind": "lr", "evidence": {"levels": [4]}}, {"rewind": "lr", "evidence": {"levels": [3]}}, []),
        ({"evidence": {"levels": [1]}}, {"rewind": "lr"}, ["/recipe/rewind"]),
        ({"criterion": "movement", "kept": "reinit"}, {}, []),
        ({"pruned": "freeze"}, {}, ["/recipe/pruned"]),
        ({"pruned": "freeze"}, {"pruned": "freeze"}, []),
        ({"kept": "reinit", "evidence": {"levels": "all"}}, {}, ["/recipe/kept"]),
        ({"kept": "reinit", "evidence": {"levels": "all"}}, {"kept": "reinit"}, []),
        ({"seed": 4, "rewind": "500it"}, {}, ["/recipe/seed", "/recipe/rewind"]),
        ({"structure": "channel", "criterion": "l2"}, {"structure": "channel"}, []),
        ({"structure": "channel", "round_to": 8}, {"structure": "channel"}, ["/recipe/round_to"]),
        ({"structure": "channel"}, {"structure": "channel", "round_to": 8}, ["/recipe/round_to"]),
        ({"structure": "channel", "round_to": 8}, {"structure": "channel", "round_to": 8}, []),
        (TO_A_SIZE, {"structure": "channel"}, ["/recipe/target/max_macs"]),
        ({"structure": "channel"}, TO_A_SIZE, ["/from_level"]),
        ({"schedule_of_pruning": "gradual"}, {}, ["/recipe/schedule_of_pruning"]),
        ({}, {"schedule_of_pruning": "gradual"}, ["/recipe/schedule_of_pruning"]),
    ],
)
def test_every_field_that_asks_for_too_much_is_named(
    own: dict[str, Any], parents: dict[str, Any], pointers: list[str]
) -> None:
    faults = []
    try:
        check_start(recipe(**own), start(**parents), train=55_000)
    except RecipeError as error:
        faults = [fault.pointer for fault in error.faults]
    assert faults == pointers


def test_level_one_may_be_judged_under_another_rewind() -> None:
    # Nothing but the dense run lies below it, and that has no rewind.
    check_start(recipe(rewind="lr", evidence={"levels": "all"}), start(level=1), train=55_000)
