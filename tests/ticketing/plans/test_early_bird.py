"""ticketing.plans.early_bird: what is trained at most, and what is refused before anything runs."""

from typing import Any

import pytest

from ticketing.architectures import Inventory, inventory
from ticketing.errors import RecipeError, first_of
from ticketing.plans.early_bird import EarlyBirdPlan, plan_early_bird
from ticketing.plans.parsing import resolve
from ticketing.plans.support import unsupported
from ticketing.recipe import EarlyBird

RESNET = inventory("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3})
LENET = inventory("lenet-300-100", {"in_features": 64, "classes": 3})
TEN_EPOCHS = {"length": "10ep", "batch_size": 30}


def planned(listed: Inventory = RESNET, **words: Any) -> EarlyBirdPlan:
    recipe = EarlyBird.model_validate({"search": "early_bird", "training": TEN_EPOCHS} | words)
    return plan_early_bird(listed, recipe, train=90, test=50)


def test_the_bound_is_a_search_that_settles_last_and_slim_networks_that_begin_first() -> None:
    plan = planned(channel_sparsities=[0.3, 0.5], evidence={"replicates": 3, "controls": ["reinit", "shuffle"]})
    search, slim, whole = 27, 15, 30
    assert plan.search["dense_updates"] == search
    assert plan.search["updates"] == 3 * (search + 2 * slim)
    assert plan.updates == plan.search["updates"] + 3 * (whole + slim + whole + slim)
    assert plan.trainings == 3 * 3 + 3 * 4
    assert plan.at_most
    assert plan.levels == 2
    assert plan.earliest_epoch == 5


@pytest.mark.parametrize(("of", "search"), [("search", 27 + 15), ("retrain", 0)])
def test_replicates_that_may_be_added_are_in_the_bound(of: str, search: int) -> None:
    evidence = {"replicates": 3, "controls": ["reinit", "shuffle"], "replicates_of": of}
    fixed, growing = (planned(evidence=evidence | more) for more in ({}, {"max_replicates": 5}))
    assert growing.updates - fixed.updates == 2 * (search + 30 + 15 + 30 + 15)
    assert growing.trainings - fixed.trainings == 2 * (4 + (2 if search else 0))


GROWN = {"replicates": 3, "max_replicates": 4, "controls": ["reinit"]}


@pytest.mark.parametrize(
    ("evidence", "updates"),
    [
        ({"levels": "all"}, [3 * (27 + 30), 3 * (15 + 15 + 30), 3 * (15 + 15 + 30)]),
        ({"levels": "delivered"}, [3 * (27 + 30), 3 * 15, 3 * (15 + 15 + 30)]),
        (GROWN | {"replicates_of": "retrain"}, [27 + 4 * 30, 15, 15 + 4 * (15 + 30)]),
        (GROWN | {"replicates_of": "search"}, [4 * (27 + 30), 4 * 15, 4 * (15 + 15 + 30)]),
        ({"replicates": 0, "controls": []}, [27, 15, 15]),
    ],
)
def test_every_update_belongs_to_a_level(evidence: dict[str, Any], updates: list[int]) -> None:
    plan = planned(channel_sparsities=[0.3, 0.5], evidence={"replicates": 3, "controls": ["reinit"]} | evidence)
    assert [plan.updates - sum(of_slim := updates[1:]), *of_slim] == updates
    assert [row["updates"] for row in plan.watched] == of_slim


@pytest.mark.parametrize(
    ("words", "efforts"),
    [
        ({"channel_sparsities": [0.4, 0.8]}, [0.6, 0.2]),
        ({"target": {"max_macs": RESNET.multiply_adds // 4}}, [0.5]),
        ({"target": {"speedup": 2.5}}, [0.4]),
        ({"target": {"max_latency_ms": 3}}, [1.0]),
    ],
)
def test_an_update_of_a_slim_network_takes_less(words: dict[str, Any], efforts: list[float]) -> None:
    plan = planned(**words)
    assert [plan.effort_of(level) for level in range(plan.levels + 1)] == pytest.approx([1.0, *efforts])


def test_all_updates_take_what_those_of_every_level_take() -> None:
    plan = planned(channel_sparsities=[0.3, 0.5], evidence={"replicates": 2, "controls": ["reinit"], "levels": [1]})
    light, lighter = plan.effort_of(1), plan.effort_of(2)
    assert plan.effort_of_search == pytest.approx(2 * (27 + 15 * light + 15 * lighter))
    assert plan.effort == pytest.approx(plan.effort_of_search + 2 * (30 + 45 * light + 45 * lighter))


@pytest.mark.parametrize(
    ("words", "code", "at"),
    [
        ({"search_length": "4ep"}, "search_does_not_fit", "/recipe/search_length"),
        ({"search_length": "10ep"}, "search_does_not_fit", "/recipe/search_length"),
        ({"window": 10}, "search_does_not_fit", "/recipe/training/length"),
        ({"rule": "consecutive", "window": 9}, "search_does_not_fit", "/recipe/training/length"),
        ({"evidence": {"levels": [2]}}, "no_such_level", "/recipe/evidence/levels"),
        ({"listed": LENET}, "norms_missing_for_early_bird", "/recipe/search"),
        ({"target": {"max_macs": RESNET.multiply_adds}}, "removes_nothing", "/recipe/target/max_macs"),
    ],
)
def test_what_cannot_be_found_or_ranked_is_refused(words: dict[str, Any], code: str, at: str) -> None:
    with pytest.raises(RecipeError) as refused:
        planned(**words)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [(code, at)]


def test_how_much_a_target_removes_is_not_known_beforehand() -> None:
    plan = planned(target={"max_macs": RESNET.multiply_adds - 1})
    row = plan.watched[0]
    assert (row["level"], row["channel_sparsity"], row["distance_by_chance"]) == (1, None, None)
    assert plan.updates == planned(channel_sparsities=[0.5]).updates
    assert "threshold_uninformative" not in {warning["code"] for warning in plan.warnings}


def test_a_refused_network_is_told_which_of_its_layers_nothing_scales() -> None:
    message = "batch norms or attention.*lenet-300-100, where nothing scales the outputs of fc1, fc2"
    with pytest.raises(RecipeError, match=message):
        planned(LENET)


def test_a_refusal_that_cannot_name_all_layers_says_how_many_it_leaves_out() -> None:
    layers = "conv1, conv2, conv3, conv4, conv5, conv6, fc1, fc2"
    with pytest.raises(RecipeError, match=f"outputs of {layers}$"):
        planned(inventory("conv-6", {"in_channels": 1, "input_size": [8, 8], "classes": 3}))
    assert first_of(["a", "b", "c"], most=2) == "a, b and 1 more"


def test_layers_that_nothing_ranks_are_named_before_anything_runs() -> None:
    arguments = {"in_channels": 1, "input_size": [32, 32], "classes": 3}
    for classifier, codes in (("imagenet", ["layers_stay_whole"]), ("single", [])):
        listed = inventory("vgg-11-bn", arguments | {"classifier": classifier})
        told = [w for w in planned(listed).warnings if w["code"] == "layers_stay_whole"]
        assert [warning["code"] for warning in told] == codes
        assert all("classifier.0, classifier.3:" in warning["detail"] for warning in told)


@pytest.mark.parametrize("architecture", ["vit-tiny", "gpt"])
def test_a_network_that_attends_needs_no_norms_of_single_channels(architecture: str) -> None:
    given = {"vocabulary": 3, "context": 8} if architecture == "gpt" else {"input_size": [8, 8], "classes": 3}
    listed = inventory(architecture, given | ({} if architecture == "gpt" else {"in_channels": 1}))
    assert not any(layer.kind == "norm" for layer in listed.layers)
    assert planned(listed).search["dense_updates"] == 27
    words = {"architecture": architecture, "uploaded": False, "weights": "initial"}
    assert unsupported("early_bird", inventory=listed, **words) is None


def test_a_search_may_go_to_the_end_where_the_slim_network_begins_anew() -> None:
    assert planned(search_length="10ep", then="retrain").search["dense_updates"] == 30
    assert planned(window=10, then="reinit").search["dense_updates"] == 30


def test_a_threshold_that_chance_would_meet_is_warned_of() -> None:
    fine = {"evidence": {"tolerance": 0.1}}
    warned = {share: [w["code"] for w in planned(channel_sparsities=[share], **fine).warnings] for share in (0.1, 0.5)}
    assert warned == {0.1: ["threshold_uninformative"], 0.5: []}


def test_what_any_ticket_is_warned_of_holds_here_too() -> None:
    flipped = planned(evidence={"replicates": 1, "controls": []}, training=TEN_EPOCHS | {"augment": "flip"})
    codes = {warning["code"] for warning in flipped.warnings}
    assert codes == {"verdict_inconclusive", "tolerance_below_resolution", "mirrored_grey_images"}


@pytest.mark.parametrize(
    ("uploaded", "weights", "code"), [(True, "trained", "unsupported_model"), (True, "initial", "one_initialisation")]
)
def test_an_uploaded_model_is_searched_before_training_and_by_retraining(
    uploaded: bool, weights: Any, code: str
) -> None:
    asked = {"search": "early_bird", "evidence": {"replicates_of": "search"}}
    with pytest.raises(RecipeError) as refused:
        resolve(asked, architecture="resnet-20", uploaded=uploaded, weights=weights, device_kind="cpu", seed=0)
    assert code in [fault.code for fault in refused.value.faults]


def test_a_model_is_told_whether_it_can_be_searched() -> None:
    for listed, can in ((RESNET, True), (LENET, False)):
        words: dict[str, Any] = {"architecture": listed.architecture, "uploaded": False, "weights": "initial"}
        assert (unsupported("early_bird", inventory=listed, **words) is None) == can


def test_controls_that_are_no_choice_of_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"remove channels too, got \['small_dense'\]"):
        planned(evidence={"replicates": 3, "controls": ["small_dense"]})
