"""ticketing.plans.certificate: what a certificate trains is counted beforehand, exactly or to a bound."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.ladder.counts import kept_counts
from ticketing.plans.certificate import CertificatePlan
from ticketing.plans.dense_length import updates_of_short
from ticketing.recipe import Iterative


def network(architecture: str = "mlp") -> Inventory:
    arguments: dict[str, Any] = {"in_features": 8, "hidden": [16, 12], "classes": 3} if architecture == "mlp" else {}
    return inventory(architecture, arguments_for(architecture, arguments, data_shape=None, classes=None))


def planned(
    inventory: Inventory, *, trained: bool = False, steps: int = 100, first: int = 0, **fields: Any
) -> CertificatePlan:
    recipe = Iterative.model_validate({"search": "iterative", "training": {"length": f"{steps}it"}} | fields)
    rows = kept_counts(inventory, recipe)
    return CertificatePlan(inventory, recipe, rows, steps=steps, first=first, train=1000, trained=trained, start=None)


MLP, CONV = network(), network("conv-2")


@pytest.mark.parametrize("scope", ["global", "layerwise"])
@given(data=st.data())
def test_no_mask_of_a_ladder_makes_it_longer_than_its_plan(scope: str, data: st.DataObject) -> None:
    made = planned(CONV, levels=3, rate=0.5, scope=scope, evidence={"controls": ["dense_short"]})
    left, kept = sum(made.rows[2].values()), {}
    layers = {layer.parameter: layer.entries for layer in CONV.prunable}
    for name in data.draw(st.permutations(list(layers))):
        kept[name] = made.rows[2][name] if scope == "layerwise" else min(left, layers[name])
        left -= kept[name]
    trained = updates_of_short(CONV, kept, steps=100, first=0)
    assert trained <= made.updates("dense_short", 2)
    if scope == "layerwise":
        assert trained == made.updates("dense_short", 2)
    assert made.at_most == (scope == "global")


def test_where_removed_entries_hold_weights_the_plan_allows_the_whole_length() -> None:
    made = planned(MLP, levels=3, pruned="freeze", evidence={"controls": ["dense_short"]})
    assert (made.updates("dense_short", 3), made.at_most) == (100, True)


@pytest.mark.parametrize(
    ("fields", "updates"),
    [
        ({}, [200, 300, 400]),
        ({"trained": True}, [100, 200, 300]),
        ({"level_length": "30it"}, [130, 160, 190]),
        ({"level_length": "30it", "trained": True}, [100, 130, 160]),
    ],
)
def test_a_long_one_has_the_updates_of_all_levels_that_a_ticket_goes_on_from(
    fields: dict[str, Any], updates: list[int]
) -> None:
    made = planned(MLP, levels=3, rewind="lr", evidence={"controls": ["dense_long"]}, **fields)
    assert [made.updates("dense_long", level) for level in (1, 2, 3)] == updates
    assert not made.at_most


def test_a_replicate_is_dense_and_at_every_level_ticket_and_controls_each_as_long_as_it_trains() -> None:
    controls = ["reinit", "shuffle", "small_dense", "dense_short"]
    made = planned(MLP, levels=3, first=40, rewind="40it", rate=0.5, evidence={"controls": controls})
    short = made.updates("dense_short", 2)
    assert made.updates("dense_short", 3) < short < 100
    assert made.replicate([2]) == (100 + 60 + (100 + 60 + 100 + short), 1 + 5)
    assert made.replicate([]) == (100, 1)
