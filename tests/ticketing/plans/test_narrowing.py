"""ticketing.plans.narrowing: the widest network that fits, in the same proportions; a refusal where there is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.architectures import arguments_for, inventory
from ticketing.errors import RecipeError
from ticketing.plans.narrowing import narrowed, parameters_with

LENET = inventory("lenet-300-100", arguments_for("lenet-300-100", {}))


def test_a_ticket_has_its_kept_weights_and_every_bias() -> None:
    assert parameters_with(LENET, 266_200) == LENET.parameters_total == 266_610
    assert parameters_with(LENET, 56_094) == 56_504


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 266_610), st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_it_fits_and_one_unit_more_in_the_widest_layer_would_not(parameters: int, hidden: list[int]) -> None:
    whole = inventory("mlp", arguments_for("mlp", {"hidden": hidden, "in_features": 9, "classes": 3}))
    fewest = narrowed_total(whole, [1] * len(hidden))
    if parameters < fewest:
        with pytest.raises(RecipeError, match="one unit a layer"):
            narrowed(whole, parameters)
        return
    small = narrowed(whole, parameters)
    assert small.parameters_total <= parameters
    widths, widest = small.arguments["hidden"], max(hidden)
    j = max(widths)
    assert widths == [max(1, int(width * j / widest + 0.5)) for width in hidden]
    if j < widest:
        wider = [max(1, int(width * (j + 1) / widest + 0.5)) for width in hidden]
        assert narrowed_total(whole, wider) > parameters


def narrowed_total(whole: object, hidden: list[int]) -> int:
    arguments = {**whole.arguments, "hidden": hidden}  # type: ignore[attr-defined]
    return inventory("mlp", arguments).parameters_total


def test_a_whole_network_is_not_narrowed() -> None:
    assert narrowed(LENET, LENET.parameters_total).arguments["hidden"] == [300, 100]


def test_lenet_at_21_percent_keeps_its_proportions() -> None:
    small = narrowed(LENET, parameters_with(LENET, 56_094))
    assert small.arguments["hidden"] == [69, 23]
    assert small.parameters_total == 56_015


@pytest.mark.parametrize(("architecture", "code"), [("conv-2", "not_narrowable"), ("resnet-20", "not_narrowable")])
def test_a_network_without_a_width_is_refused_with_its_pointer(architecture: str, code: str) -> None:
    with pytest.raises(RecipeError) as caught:
        narrowed(inventory(architecture, arguments_for(architecture, {})), 10_000)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/recipe/evidence/controls", code)]


def test_a_network_without_hidden_layers_is_refused() -> None:
    with pytest.raises(RecipeError, match="hidden layers"):
        narrowed(inventory("mlp", arguments_for("mlp", {"hidden": []})), 100)
