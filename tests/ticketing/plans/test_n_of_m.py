"""ticketing.plans.n_of_m: what N:M rules out is named, presets give way, and a plan says what is divided and why."""

from typing import Any

import pytest

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.plans.iterative import plan
from ticketing.plans.parsing import resolve
from ticketing.plans.plan import Plan
from ticketing.recipe import EVIDENCE_WORDS, Iterative


def network(name: str = "lenet-300-100") -> Inventory:
    return inventory(name, arguments_for(name, {}))


def recipe(structure: str = "2:4", architecture: str = "lenet-300-100", **fields: Any) -> Iterative:
    raw = {"search": "iterative", "structure": structure, "evidence": "none", **fields}
    return resolve(raw, architecture=architecture, uploaded=False, weights="initial", device_kind="cpu", seed=0)


def planned(asked: Iterative, name: str = "lenet-300-100") -> Plan:
    return plan(network(name), asked, train=600, test=600)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"scope": "global"}, [("/recipe/scope", "not_with_blocks")]),
        ({"scope": "erk"}, [("/recipe/scope", "not_with_blocks")]),
        ({"target": {"sparsity": 0.5}}, [("/recipe/target", "not_with_blocks")]),
        ({"target": {"max_accuracy_drop": 0.1}}, [("/recipe/target", "not_with_blocks")]),
        ({"levels": 3}, [("/recipe/levels", "too_many_levels")]),
        ({"schedule_of_pruning": "gradual"}, [("/recipe/schedule_of_pruning", "not_with_blocks")]),
        ({"allow_collapse": True}, [("/recipe/allow_collapse", "not_with_blocks")]),
        ({"rate": 0.5}, [("/recipe/rate/default", "not_with_blocks")]),
        (
            {"rate": {"output": 0.1, "conv": 0.2, "by_name": {"fc1": 0.3, "fc2": 0}}},
            [("/recipe/rate/output", "not_with_blocks"), ("/recipe/rate/by_name/fc1", "not_with_blocks")],
        ),
    ],
)
def test_what_has_no_place_beside_blocks_is_refused_by_its_pointer(
    fields: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(**fields)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == faults


@pytest.mark.parametrize(
    "fields",
    [
        {"rate": 0.2},
        {"rate": {"default": 0, "linear": 0.2}},
        {"rate": {"output": 0, "by_name": {"fc2": 0}}},
        {"levels": 1},
    ],
)
def test_exemptions_and_fewer_levels_are_not(fields: dict[str, Any]) -> None:
    assert str(recipe(**fields).structure) == "2:4"


def test_too_many_levels_are_refused_with_the_numbers() -> None:
    with pytest.raises(RecipeError, match="at most 4 levels with structure 4:8, got 5: from 8 to 4 inputs"):
        recipe("4:8", levels=5)


def test_of_a_preset_only_what_it_exempts_is_left() -> None:
    vgg = recipe(architecture="vgg-16-bn")
    assert (vgg.scope, vgg.rate.output, vgg.rate.default) == ("layerwise", 0, 0.2)
    lenet = recipe()
    assert (lenet.rate.output, lenet.training.batch_size) == (None, 60)


def test_single_entries_keep_their_preset() -> None:
    assert (recipe("weight").rate.output, recipe("weight", "vgg-16-bn").scope) == (0.1, "global")


def test_a_plan_says_which_layers_are_divided_and_why_not_and_counts_exactly() -> None:
    made = planned(recipe("4:8", rate={"output": 0}))
    assert made.structure is not None
    assert made.structure["kept_of_block"] == [8, 7, 6, 5, 4]
    assert made.structure["layers"] == [
        {"name": "fc1", "eligible": True, "reason": None},
        {"name": "fc2", "eligible": False, "reason": "its 300 inputs do not divide by 8"},
        {"name": "fc3", "eligible": False, "reason": "its rate is 0, which exempts it"},
    ]
    assert made.structure["dense_share"] == pytest.approx(31_000 / 266_200)
    assert [row["kept"] for row in made.ladder] == [266_200, 236_800, 207_400, 178_000, 148_600]
    assert planned(recipe("weight")).structure is None


def warned(made: Plan) -> dict[str, str]:
    return {warning["code"]: warning["detail"] for warning in made.warnings}


def test_what_stays_dense_for_its_inputs_is_warned_of_with_its_share() -> None:
    said = warned(planned(recipe("4:8", rate={"output": 0})))
    assert said["dense_beside_blocks"].startswith("11.3 % of the prunable entries stay dense with structure 4:8, fc2: ")
    assert "fc3" not in said["dense_beside_blocks"]
    assert "dense_beside_blocks" not in warned(planned(recipe()))


def test_no_speed_is_promised() -> None:
    assert "compute capability 8.0" in warned(planned(recipe()))["no_speedup_without_kernels"]
    assert "no_speedup_from_unstructured" in warned(planned(recipe("weight")))


def test_two_controls_that_ask_the_same_are_warned_of() -> None:
    assert "controls_alike" in warned(planned(recipe(evidence="paper")))
    assert "controls_alike" not in warned(planned(recipe(evidence="standard")))
    assert "controls_alike" not in warned(planned(recipe("weight", evidence="paper")))
    assert {"shuffle", "random"} <= set(EVIDENCE_WORDS["paper"]["controls"])


def test_a_budget_that_ends_before_n_says_so() -> None:
    made = planned(recipe("1:4", budget={"samples": 60 * 3 * 10}, training={"length": "10it"}))
    assert made.structure is not None
    assert made.structure["kept_of_block"] == [4, 3, 2]
    assert "so the structure 1:4 is not reached" in warned(made)["budget_ends_search"]


def test_a_network_with_nothing_to_divide_is_refused_before_it_runs() -> None:
    with pytest.raises(RecipeError, match="fc3: its 100 inputs do not divide by 7"):
        planned(recipe("1:7", rate={"by_name": {"fc1": 0}}))
