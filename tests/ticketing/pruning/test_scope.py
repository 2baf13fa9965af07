"""ticketing.pruning.scope: every group keeps its own count, and groups do not compete."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import arguments_for, inventory
from ticketing.errors import CollapseError, InvariantError
from ticketing.ladder.counts import groups, kept_counts
from ticketing.mask import Mask
from ticketing.pruning.scope import select
from ticketing.pruning.selection import keep_top
from ticketing.recipe import Iterative

SCORES = {"a": torch.tensor([1.0, 2.0, 3.0]), "b": torch.tensor([[4.0, 5.0]]), "c": torch.tensor([0.5, 0.1])}
LAYERWISE = {"a": ("a",), "b": ("b",), "c": ("c",)}


def test_layerwise_keeps_the_best_of_each() -> None:
    mask = select(SCORES, {"a": 1, "b": 1, "c": 1}, LAYERWISE)
    assert {name: tensor.tolist() for name, tensor in mask.items()} == {
        "a": [False, False, True],
        "b": [[False, True]],
        "c": [True, False],
    }


@given(st.integers(0, 7))
def test_one_group_of_all_is_keep_top(keep: int) -> None:
    mask = select(SCORES, {"global": keep}, {"global": ("a", "b", "c")}, allow_collapse=True)
    assert mask == keep_top(SCORES, keep, allow_collapse=True)


def test_an_exempt_parameter_keeps_everything_while_the_others_compete() -> None:
    mask = select(SCORES, {"global": 3, "c": 2}, {"global": ("a", "b"), "c": ("c",)})
    assert mask.counts() == {"a": 1, "b": 2, "c": 2}


def test_ties_go_by_the_networks_order_not_the_groups() -> None:
    scores = {"first": torch.ones(2), "second": torch.ones(2)}
    mask = select(scores, {"global": 3}, {"global": ("second", "first")})
    assert mask.counts() == {"first": 2, "second": 1}


def test_the_mask_has_the_networks_order() -> None:
    assert list(select(SCORES, {"c": 1, "b": 1, "a": 1}, {"c": ("c",), "b": ("b",), "a": ("a",)})) == ["a", "b", "c"]


def test_nothing_removed_before_comes_back() -> None:
    before = Mask({**Mask.full({"a": (3,), "c": (2,)}), "b": torch.tensor([[True, False]])})
    after = select(SCORES, {"a": 2, "b": 1, "c": 2}, LAYERWISE, within=before)
    assert after.within(before)
    assert after["b"].tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("groups", "counts"),
    [
        ({"a": ("a",), "b": ("b",)}, {"a": 1, "b": 1}),
        ({**LAYERWISE, "d": ("a",)}, {"a": 1, "b": 1, "c": 1, "d": 1}),
        (LAYERWISE, {"a": 1, "b": 1}),
    ],
    ids=["one parameter left out", "one parameter twice", "one count left out"],
)
def test_groups_that_do_not_cover_the_network_once_are_refused(
    groups: dict[str, tuple[str, ...]], counts: dict[str, int]
) -> None:
    with pytest.raises(InvariantError, match="groups"):
        select(SCORES, counts, groups)


def test_a_group_that_empties_a_parameter_is_refused() -> None:
    with pytest.raises(CollapseError, match="'c'"):
        select(SCORES, {"a": 1, "b": 1, "c": 0}, LAYERWISE)


def test_lenet_keeps_exactly_the_counts_of_its_ladder_level_after_level() -> None:
    lenet = inventory("lenet-300-100", arguments_for("lenet-300-100", {}))
    recipe = Iterative.model_validate({"search": "iterative", "levels": 24, "rate": {"default": 0.2, "output": 0.1}})
    # Rounded to two digits: ties by the thousand, as no trained network would have them.
    generator = torch.Generator().manual_seed(0)
    scores = {
        layer.parameter: torch.randn(layer.weight, generator=generator).abs().round(decimals=2)
        for layer in lenet.prunable
    }
    mask = Mask.full({layer.parameter: layer.weight for layer in lenet.prunable})
    kept = [mask.kept_count]
    for counts in kept_counts(lenet, recipe)[1:]:
        after = select(scores, counts, groups(lenet, recipe), within=mask)
        assert after.within(mask)
        mask = after
        kept.append(mask.kept_count)
    assert [kept[level] for level in (0, 3, 7, 9, 15, 18, 20, 24)] == [
        266_200, 136_511, 56_094, 35_981, 9_537, 4_928, 3_180, 1_333,
    ]  # fmt: skip
