"""ticketing.dense_length: a dense network gets the multiply-adds or the updates of its ticket, and not one more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.costs import forward_flops, training_flops
from ticketing.counts import kept_counts
from ticketing.dense_length import DenseLengths, updates_of_short
from ticketing.recipe import Iterative


def network(architecture: str = "mlp") -> Inventory:
    arguments: dict[str, Any] = {"in_features": 8, "hidden": [16, 12], "classes": 3} if architecture == "mlp" else {}
    return inventory(architecture, arguments_for(architecture, arguments, data_shape=None, classes=None))


def lengths(inventory: Inventory, *, trained: bool = False, steps: int = 100, first: int = 0, **fields: Any) -> Any:
    recipe = Iterative.model_validate({"search": "iterative", "training": {"length": f"{steps}it"}} | fields)
    rows = kept_counts(inventory, recipe)
    return DenseLengths(inventory, recipe, rows, steps=steps, first=first, train=1000, trained=trained, start=None)


MLP, CONV = network(), network("conv-2")


masks = st.fixed_dictionaries({layer.parameter: st.integers(0, layer.entries) for layer in MLP.prunable})


@given(masks, st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_short_one_has_the_multiply_adds_of_the_ticket_to_less_than_one_update(
    kept: dict[str, int], steps: int, first: int
) -> None:
    first %= steps
    updates = updates_of_short(MLP, kept, steps=steps, first=first)
    one = training_flops(MLP, None, updates=1, batch_size=10).executed
    ticket = first * one + training_flops(MLP, kept, updates=steps - first, batch_size=10).nonzero
    assert 1 <= updates <= steps
    assert (updates - 1) * one < ticket + one
    assert updates == 1 or updates * one <= ticket < (updates + 1) * one


def test_it_is_what_one_can_count_by_hand() -> None:
    # Weights of 8 x 16, 16 x 12 and 12 x 3: 356 multiply-adds, of which 64 + 96 + 18 = 178 are left.
    half = {"fc1.weight": 64, "fc2.weight": 96, "fc3.weight": 18}
    assert forward_flops(MLP, None, examples=1).nonzero == 2 * 356
    assert updates_of_short(MLP, half, steps=100, first=0) == 50
    assert updates_of_short(MLP, half, steps=100, first=20) == 60
    nothing = dict.fromkeys(half, 0)
    assert [updates_of_short(MLP, nothing, steps=100, first=first) for first in (0, 20)] == [1, 20]


@pytest.mark.parametrize("scope", ["global", "layerwise"])
@given(data=st.data())
def test_no_mask_of_a_ladder_makes_it_longer_than_its_plan(scope: str, data: st.DataObject) -> None:
    planned = lengths(CONV, levels=3, rate=0.5, scope=scope, evidence={"controls": ["dense_short"]})
    left, kept = sum(planned.rows[2].values()), {}
    layers = {layer.parameter: layer.entries for layer in CONV.prunable}
    for name in data.draw(st.permutations(list(layers))):
        kept[name] = planned.rows[2][name] if scope == "layerwise" else min(left, layers[name])
        left -= kept[name]
    trained = updates_of_short(CONV, kept, steps=100, first=0)
    assert trained <= planned.updates("dense_short", 2)
    if scope == "layerwise":
        assert trained == planned.updates("dense_short", 2)
    assert planned.at_most == (scope == "global")


def test_where_removed_entries_hold_weights_the_plan_allows_the_whole_length() -> None:
    planned = lengths(MLP, levels=3, pruned="freeze", evidence={"controls": ["dense_short"]})
    assert (planned.updates("dense_short", 3), planned.at_most) == (100, True)


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
    planned = lengths(MLP, levels=3, rewind="lr", evidence={"controls": ["dense_long"]}, **fields)
    assert [planned.updates("dense_long", level) for level in (1, 2, 3)] == updates
    assert not planned.at_most


def test_controls_of_the_usual_length_are_none_of_its_business() -> None:
    assert lengths(MLP).updates("reinit", 1) == 0
