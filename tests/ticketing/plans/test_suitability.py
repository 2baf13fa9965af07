"""ticketing.plans.suitability: what a dataset or a length cannot give is refused at its field; what is odd is said."""

from typing import Any

import pytest

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.plans.suitability import check_data, check_schedule, warnings_of
from ticketing.recipe import Iterative, Training

IMAGES, TABLE = (1, 8, 8), (64,)


def training(**fields: Any) -> Training:
    return Training.model_validate(fields)


def pointers(refused: pytest.ExceptionInfo[RecipeError]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


@pytest.mark.parametrize("augment", ["flip", "crop", "flip_crop", "cutout"])
def test_what_is_no_image_is_not_augmented(augment: str) -> None:
    check_data(training(augment=augment), shape=IMAGES, classes=10)
    with pytest.raises(RecipeError, match=r"without images, got .*\[64\]") as refused:
        check_data(training(augment=augment), shape=TABLE, classes=10)
    assert pointers(refused) == [("/recipe/training/augment", "needs_images")]


def test_tables_are_trained_on_as_they_are() -> None:
    check_data(training(), shape=TABLE, classes=10)


@pytest.mark.parametrize(("map_", "unknown"), [({9: 10}, "10"), ({10: 0}, "10"), ({12: 11, 1: 2}, "11, 12")])
def test_a_map_speaks_of_classes_that_there_are(map_: dict[int, int], unknown: str) -> None:
    noise = {"kind": "asymmetric", "fraction": 0.2}
    check_data(training(label_noise=noise | {"map": {9: 1}}), shape=TABLE, classes=10)
    with pytest.raises(RecipeError, match=f"classes from 0 to 9, got {unknown}") as refused:
        check_data(training(label_noise=noise | {"map": map_}), shape=TABLE, classes=10)
    assert pointers(refused) == [("/recipe/training/label_noise/map", "unknown_class")]


def test_one_class_alone_cannot_be_mistaken() -> None:
    with pytest.raises(RecipeError, match="two classes") as refused:
        check_data(training(label_noise={"kind": "symmetric", "fraction": 0.2}), shape=TABLE, classes=1)
    assert pointers(refused) == [("/recipe/training/label_noise", "needs_classes")]


@pytest.mark.parametrize("name", ["cosine", "one_cycle"])
def test_a_schedule_that_falls_begins_to_before_the_end(name: str) -> None:
    check_schedule(training(length="3ep", schedule={"name": name, "warmup": "29it"}), 10)
    with pytest.raises(RecipeError, match="fewer than the 30 updates of the training, got 30") as refused:
        check_schedule(training(length="3ep", schedule={"name": name, "warmup": "30it"}), 10)
    assert pointers(refused) == [("/recipe/training/schedule/warmup", "warmup_after_end")]


def test_a_constant_rate_may_rise_throughout() -> None:
    check_schedule(training(length="3ep", schedule={"name": "constant", "warmup": "30it"}), 10)


def warned(net: Inventory, **words: Any) -> list[str]:
    return [code for code, _ in warnings_of(Iterative.model_validate({"search": "iterative"} | words), net)]


def test_mirrored_digits_and_levels_without_a_learning_rate_are_warned_of() -> None:
    grey, coloured = (
        inventory("resnet-20", arguments_for("resnet-20", {}, data_shape=shape, classes=10))
        for shape in ((1, 8, 8), (3, 8, 8))
    )
    assert warned(grey, training={"augment": "flip_crop"}) == ["mirrored_grey_images"]
    assert warned(grey, training={"augment": "crop"}) == []
    assert warned(coloured, training={"augment": "flip_crop"}) == []
    cosine = {"schedule": {"name": "cosine"}}
    assert warned(coloured, rewind="none", training=cosine) == ["trains_on_at_nothing"]
    assert warned(coloured, rewind="none", training={"schedule": {"name": "one_cycle"}}) == ["trains_on_at_nothing"]
    assert warned(coloured, rewind="none", training={"schedule": {"name": "cosine", "final_fraction": 0.1}}) == []
    assert warned(coloured, rewind="lr", training=cosine) == []
