"""ticketing.plans.costs: operations by hand, dense and kept."""

from ticketing.architectures import arguments_for, inventory
from ticketing.plans.costs import Flops, forward_flops, training_flops

TINY = inventory("mlp", {"in_features": 4, "hidden": [3], "classes": 2})  # 12 and 6 weights, each used once


def test_a_forward_pass_is_two_operations_a_weight_of_a_linear_layer() -> None:
    assert forward_flops(TINY, None, examples=5) == Flops(executed=2 * 18 * 5, nonzero=2 * 18 * 5)


def test_an_update_is_three_forward_passes() -> None:
    assert training_flops(TINY, None, updates=7, batch_size=5).executed == 3 * 7 * 2 * 18 * 5


def test_pruned_weights_are_executed_all_the_same() -> None:
    kept = {"fc1.weight": 6, "fc2.weight": 1}
    assert forward_flops(TINY, kept, examples=1) == Flops(executed=36, nonzero=14)


def test_units_that_were_left_out_are_not_executed() -> None:
    kept = {"fc1.weight": 2, "fc2.weight": 1}
    counted = training_flops(TINY, kept, updates=7, batch_size=5, multiply_adds=4)
    assert counted == Flops(executed=3 * 7 * 5 * 2 * 4, nonzero=3 * 7 * 5 * 2 * 3)


def test_a_convolution_weight_counts_once_a_pixel() -> None:
    listed = inventory("conv-2", arguments_for("conv-2", {}, data_shape=(1, 4, 6), classes=2))
    nothing = {layer.parameter: 0 for layer in listed.prunable}
    assert forward_flops(listed, nothing | {"conv1.weight": 1}, examples=1).nonzero == 2 * 4 * 6


def test_attentions_products_are_executed_and_never_pruned() -> None:
    # 4 patches of one pixel and the class token: 5 tokens, 2 wide.
    arguments = {"classes": 2, "in_channels": 1, "input_size": [2, 2], "width": 2, "depth": 1, "heads": 1}
    listed = inventory("vit-tiny", arguments)
    products = 2 * 5 * 5 * 2
    weighed = 2 * 1 * 4 + (6 * 2 + 2 * 2 + 8 * 2 + 2 * 8) * 5 + 2 * 2
    nothing = {layer.parameter: 0 for layer in listed.prunable}
    assert forward_flops(listed, nothing, examples=1) == Flops(2 * (weighed + products), 2 * products)
    assert forward_flops(listed, None, examples=1).nonzero == 2 * (weighed + products)


def test_costs_add_up() -> None:
    assert Flops(1, 2) + Flops(10, 20) == Flops(11, 22)
