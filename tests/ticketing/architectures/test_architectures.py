"""ticketing.architectures: names and arguments looked up, filled in and bounded, without torch."""

import subprocess
import sys
from typing import Any

import pytest

from ticketing.architectures import ARCHITECTURES, MAX_PARAMETERS, arguments_for, inventory, preset
from ticketing.errors import ModelError
from ticketing.plans.parsing import resolve

every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))
every_classifier = pytest.mark.parametrize("name", [n for n, a in ARCHITECTURES.items() if a.task == "classification"])


def test_loads_no_torch() -> None:
    code = "import ticketing.architectures.headers, ticketing.splits, sys; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_an_unknown_architecture_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match="lenet-301") as refused:
        inventory("lenet-301", {})
    assert refused.value.faults[0].pointer == "/architecture"
    assert refused.value.faults[0].allowed == tuple(ARCHITECTURES)


@pytest.mark.parametrize(
    ("arguments", "pointer"),
    [
        ({"in_channels": 3, "input_size": [32, 32]}, "/arguments/classes"),
        ({"in_channels": 3, "input_size": [32, 32], "classes": 1}, "/arguments/classes"),
        ({"in_channels": 3, "input_size": [32, 32], "classes": "10"}, "/arguments/classes"),
        ({"in_channels": 0, "input_size": [32, 32], "classes": 10}, "/arguments/in_channels"),
        ({"in_channels": 3, "input_size": [32, 1025], "classes": 10}, "/arguments/input_size/1"),
        ({"in_channels": 3, "input_size": [32, 32, 3], "classes": 10}, "/arguments/input_size"),
        ({"in_channels": 3, "input_size": [32, 32], "classes": 10, "depth": 20}, "/arguments/depth"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], pointer: str) -> None:
    inventory("resnet-20", {"in_channels": 3, "input_size": [32, 32], "classes": 10})
    with pytest.raises(ModelError) as refused:
        inventory("resnet-20", arguments)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("name", "least"),
    [
        *[("lenet-5", 16), ("conv-2", 2), ("conv-4", 4), ("conv-6", 8)],
        *[("resnet-20", 2), ("resnet-18", 2), ("preresnet-56", 2), ("wide-resnet", 2)],
        *[("vgg-11-bn", 16), ("mobilenet-v2", 2)],
    ],
)
def test_an_image_too_small_for_the_pools_is_refused_and_no_larger_one(name: str, least: int) -> None:
    enough = {"in_channels": 1, "input_size": [least, least + 1], "classes": 3}
    assert all(layer.multiply_adds > 0 for layer in inventory(name, arguments_for(name, enough)).prunable)
    with pytest.raises(ModelError, match=f"greater than or equal to {least}, got {least - 1}") as refused:
        inventory(name, arguments_for(name, enough | {"input_size": [least, least - 1]}))
    assert [fault.pointer for fault in refused.value.faults] == ["/arguments/input_size/1"]


@pytest.mark.parametrize("name", ["lenet-5", "conv-4", "conv-6", "vgg-11-bn"])
def test_the_smallest_image_is_the_smallest_that_leaves_a_pixel(name: str) -> None:
    known = ARCHITECTURES[name]
    least = known.arguments.model_json_schema()["properties"]["input_size"]["items"]["minimum"]
    # model_construct checks nothing.
    smaller = known.arguments.model_construct(
        in_channels=1, input_size=[least - 1, least - 1], classes=3, classifier="single"
    )
    assert min(min(layer.entries, layer.multiply_adds) for layer in known.layers(smaller) if layer.prunable) == 0


def test_the_imagenet_classifier_of_a_vgg_needs_images_that_survive_five_pools() -> None:
    enough = {"in_channels": 3, "input_size": [32, 32], "classes": 10, "classifier": "imagenet"}
    inventory("vgg-16-bn", enough)
    with pytest.raises(ModelError, match=r"at least 32 by 32 with the classifier imagenet, got \[32, 31\]"):
        inventory("vgg-16-bn", enough | {"input_size": [32, 31]})


@pytest.mark.parametrize(
    ("name", "argument", "small"), [("resnet-18", "stem", "cifar"), ("vgg-11-bn", "classifier", "single")]
)
def test_the_form_of_a_network_goes_by_the_shorter_side_of_its_images(name: str, argument: str, small: str) -> None:
    assert arguments_for(name, {}, data_shape=(3, 64, 80))[argument] == small
    assert arguments_for(name, {}, data_shape=(3, 65, 80))[argument] == "imagenet"
    assert arguments_for(name, {argument: small}, data_shape=(3, 224, 224))[argument] == small


def test_the_depth_of_a_wide_network_fills_three_stages() -> None:
    with pytest.raises(ModelError, match="6n \\+ 4, such as 16, 22, 28 or 40, got 30") as refused:
        arguments_for("wide-resnet", {"depth": 30})
    assert refused.value.faults[0].pointer == "/arguments/depth"


def test_a_form_that_cannot_be_chosen_is_no_second_fault() -> None:
    with pytest.raises(ModelError) as refused:
        inventory("resnet-18", {"in_channels": 3, "classes": 10})
    assert [fault.pointer for fault in refused.value.faults] == ["/arguments/input_size"]


def test_an_absurd_network_is_refused_before_anything_is_built() -> None:
    with pytest.raises(ModelError, match=str(MAX_PARAMETERS)):
        inventory("mlp", {"in_features": 1_000_000, "hidden": [65_536], "classes": 10})


@pytest.mark.parametrize("given", [{}, {"in_features": 4, "in_channels": 1, "input_size": [2, 2]}, {"in_channels": 1}])
def test_a_flat_network_takes_features_or_an_image_and_not_both(given: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="either in_features or both in_channels and input_size"):
        inventory("lenet-300-100", given | {"classes": 10})


@every_classifier
def test_arguments_left_out_come_from_the_architectures_own_dataset(name: str) -> None:
    own = ARCHITECTURES[name]
    assert inventory(name, arguments_for(name, {})).input_shape == own.data_shape
    assert inventory(name, arguments_for(name, {})).classes == own.classes


@every_classifier
def test_arguments_left_out_come_from_the_dataset_where_there_is_one(name: str) -> None:
    filled = arguments_for(name, {}, data_shape=(1, 18, 16), classes=4)
    assert (filled["in_channels"], filled["input_size"], filled["classes"]) == (1, [18, 16], 4)


@every_classifier
def test_arguments_given_win_over_the_dataset(name: str) -> None:
    filled = arguments_for(name, {"classes": 7}, data_shape=(1, 18, 16), classes=4)
    assert filled["classes"] == 7


@every_architecture
def test_filled_arguments_are_explicit(name: str) -> None:
    filled = arguments_for(name, {})
    task = ARCHITECTURES[name].task
    shape = (5, 9, 9) if task == "classification" else ()
    assert arguments_for(name, filled, data_shape=shape, classes=3, task=task) == filled
    assert inventory(name, filled).arguments == filled


def test_a_table_gives_a_perceptron_its_number_of_features() -> None:
    assert arguments_for("mlp", {"hidden": [5]}, data_shape=(108,), classes=2) == {
        "classes": 2,
        "in_features": 108,
        "hidden": [5],
    }


def test_a_network_of_images_refuses_a_table() -> None:
    with pytest.raises(ModelError, match=r"images for resnet-20, got examples of shape \[108\]"):
        arguments_for("resnet-20", {}, data_shape=(108,), classes=2)


def test_text_gives_a_gpt_its_vocabulary_and_no_network_of_images_anything() -> None:
    filled = arguments_for("gpt", {"context": 8}, data_shape=(), classes=40, task="next_token")
    assert (filled["vocabulary"], filled["context"]) == (40, 8)
    for name, task, shape in (
        ("vit-tiny", "next_token", ()),
        ("mlp", "next_token", ()),
        ("gpt", "classification", (8,)),
    ):
        with pytest.raises(ModelError, match=f"for {name}") as refused:
            arguments_for(name, {}, data_shape=shape, classes=2, task=task)
        assert refused.value.faults[0].pointer == "/architecture"


@every_architecture
def test_a_preset_is_a_recipe(name: str) -> None:
    recipe = resolve(
        {"search": "iterative"}, architecture=name, uploaded=False, weights="initial", device_kind="cpu", seed=0
    )
    assert str(recipe.training.length) == preset(name)["training"]["length"]


@every_architecture
def test_the_last_layer_is_the_output_and_no_other_unless_it_is_the_embedding_too(name: str) -> None:
    *others, last = [layer.role for layer in inventory(name, arguments_for(name, {})).prunable]
    assert set(others) <= {"hidden"}
    assert last == ("hidden" if name == "gpt" else "output")


def test_a_preset_may_be_changed_by_who_asked_for_it() -> None:
    preset("mlp")["training"]["length"] = "1it"
    assert preset("mlp")["training"]["length"] == "20ep"
