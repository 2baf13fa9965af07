"""ticketing.ladder.n_of_m: exact numbers of every block, falling from M to N, in the layers whose inputs divide."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.counts import kept_counts
from ticketing.ladder.n_of_m import divided, kept_of_block
from ticketing.plans.parsing import resolve
from ticketing.recipe import Iterative, NOfM


def network(name: str = "lenet-300-100", **arguments: Any) -> Inventory:
    return inventory(name, arguments_for(name, arguments))


def recipe(structure: str = "2:4", architecture: str = "lenet-300-100", **fields: Any) -> Iterative:
    raw = {"search": "iterative", "structure": structure, **fields}
    return resolve(raw, architecture=architecture, uploaded=False, weights="initial", device_kind="cpu", seed=0)


def start(level: int, **fields: Any) -> StartSpec:
    return StartSpec(job="job_a", level=level, sha256="0" * 64, recipe=recipe(**fields))


@st.composite
def ladders(draw: st.DrawFn) -> tuple[NOfM, int]:
    block = draw(st.integers(2, 16))
    structure = NOfM(f"{draw(st.integers(1, block - 1))}:{block}")
    return structure, draw(st.integers(1, structure.most_levels))


@given(ladders())
def test_every_level_removes_an_input_and_the_last_leaves_n(ladder: tuple[NOfM, int]) -> None:
    structure, levels = ladder
    kept = [kept_of_block(structure, level=level, levels=levels) for level in range(levels + 1)]
    assert (kept[0], kept[-1]) == (structure.block, structure.kept)
    assert all(after < before for before, after in pairwise(kept))


@given(ladders())
def test_a_level_is_as_near_to_the_straight_line_as_whole_inputs_can_be(ladder: tuple[NOfM, int]) -> None:
    structure, levels = ladder
    for level in range(levels + 1):
        line = structure.block - Fraction(level * structure.most_levels, levels)
        assert -Fraction(1, 2) < kept_of_block(structure, level=level, levels=levels) - line <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("structure", "levels", "kept"),
    [("2:4", 2, [4, 3, 2]), ("2:4", 1, [4, 2]), ("4:8", 3, [8, 7, 5, 4]), ("1:8", 2, [8, 5, 1])],
)
def test_ladders_by_hand(structure: str, levels: int, kept: list[int]) -> None:
    rows = kept_counts(network(), recipe(structure, levels=levels))
    assert [kept_of_block(NOfM(structure), level=level, levels=levels) for level in range(levels + 1)] == kept
    assert [row["fc1.weight"] for row in rows] == [235_200 * n // int(structure[2:]) for n in kept]


def test_layers_whose_inputs_do_not_divide_stay_whole() -> None:
    rows = kept_counts(network(), recipe("4:8"))
    assert [row["fc1.weight"] for row in rows] == [235_200, 205_800, 176_400, 147_000, 117_600]
    assert {(row["fc2.weight"], row["fc3.weight"]) for row in rows} == {(30_000, 1_000)}


def reasons(inventory: Inventory, recipe: Iterative) -> dict[str, str | None]:
    return {each.layer.name: each.reason for each in divided(inventory, recipe)}


def test_why_a_layer_stays_dense_is_said() -> None:
    said = reasons(network(), recipe("4:8", rate={"output": 0}))
    assert said == {
        "fc1": None,
        "fc2": "its 300 inputs do not divide by 8",
        "fc3": "its rate is 0, which exempts it",
    }


def test_depthwise_convolutions_and_tables_make_no_blocks() -> None:
    mobile = divided(network("mobilenet-v2"), recipe(architecture="mobilenet-v2"))
    depthwise = [each for each in mobile if each.layer.kind == "conv" and each.layer.weight[1] == 1]
    assert len(depthwise) == 17
    assert all("depthwise" in str(each.reason) for each in depthwise)
    assert [each.reason for each in mobile if each.layer.weight[1] == 3] == ["its 3 inputs do not divide by 4"]
    assert all(each.eligible for each in mobile if each.layer.weight[1] % 4 == 0)
    said = reasons(network("gpt"), recipe(architecture="gpt", rate={"embedding": 0.2}))
    assert {name: reason for name, reason in said.items() if reason} == {
        "transformer.wte": "it is a table whose inputs are its rows, not its columns",
        "transformer.wpe": "it is a table whose inputs are its rows, not its columns",
    }


def test_a_network_without_a_layer_to_divide_is_refused_with_each_reason() -> None:
    with pytest.raises(RecipeError) as caught:
        kept_counts(network(), recipe("4:8", rate={"by_name": {"fc1": 0}}))
    (fault,) = caught.value.faults
    assert (fault.pointer, fault.code) == ("/recipe/structure", "nothing_to_divide")
    assert "fc1: its rate is 0, which exempts it; fc2: its 300 inputs" in fault.detail


@given(ladders(), st.data())
def test_a_fork_that_changes_nothing_has_its_parents_ladder(ladder: tuple[NOfM, int], data: st.DataObject) -> None:
    structure, levels = ladder
    network = inventory("mlp", {"in_features": 16 * structure.block, "hidden": [2 * structure.block], "classes": 2})
    asked = {"structure": str(structure), "levels": levels}
    begun = start(data.draw(st.integers(1, levels)), **asked)
    assert kept_counts(network, recipe(**asked), begun) == kept_counts(network, recipe(**asked))


def test_a_fork_goes_on_to_n_in_levels_of_its_own() -> None:
    rows = kept_counts(network(), recipe("1:4", levels=2), start(1, structure="1:4"))
    assert [row["fc3.weight"] for row in rows] == [1_000, 750, 250]


@pytest.mark.parametrize(
    ("own", "begun", "fault"),
    [
        ({"structure": "1:4"}, {"structure": "2:4", "level": 1}, ("/recipe/structure", "not_inheritable")),
        ({"structure": "weight"}, {"structure": "2:4", "level": 1}, ("/recipe/structure", "not_inheritable")),
        ({}, {"structure": "weight", "level": 1}, ("/recipe/structure", "not_inheritable")),
        ({"rate": {"output": 0}}, {"level": 1}, ("/recipe/rate", "not_inheritable")),
        ({"structure": "1:4", "levels": 1}, {"structure": "1:4", "level": 1}, ("/recipe/levels", "no_way_down")),
        ({"structure": "4:8"}, {"structure": "4:8", "levels": 2, "level": 1}, ("/recipe/levels", "no_way_down")),
        ({"levels": 1}, {"level": 2}, ("/recipe/levels", "before_start")),
        ({}, {"level": 3}, ("/from_level", "no_such_level")),
    ],
)
def test_a_fork_that_cannot_go_on_is_refused(
    own: dict[str, Any], begun: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(RecipeError) as caught:
        kept_counts(network(), recipe(**own), start(**begun))
    assert [(found.pointer, found.code) for found in caught.value.faults] == [fault]
