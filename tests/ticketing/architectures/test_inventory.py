"""ticketing.architectures.inventory: counts and shapes of the zoo, by arithmetic."""

import json

import pytest

from ticketing.architectures import ARCHITECTURES, Inventory, arguments_for, inventory


def listed(name: str) -> Inventory:
    return inventory(name, arguments_for(name, {}))


@pytest.mark.parametrize(
    ("name", "prunable", "parameters"),
    [
        ("lenet-300-100", 784 * 300 + 300 * 100 + 100 * 10, 266_610),
        ("mlp", 266_200, 266_610),
        # Frankle & Carbin 2018, figure 2: 4.3 million, of which 38 thousand in convolutions; 260 thousand of conv-4.
        ("conv-2", 38_592 + 16_384 * 256 + 256 * 256 + 256 * 10, 4_301_642),
        ("conv-4", 259_776 + 8_192 * 256 + 256 * 256 + 256 * 10, 2_425_930),
        # He et al. 2015, table 6: 0.27 million; with shortcuts that have parameters it would be 272,474.
        ("resnet-20", 268_336, 269_722),
    ],
)
def test_counts_are_those_of_the_papers(name: str, prunable: int, parameters: int) -> None:
    assert (listed(name).prunable_total, listed(name).parameters_total) == (prunable, parameters)


def test_multiply_adds_of_resnet_20_are_those_of_its_paper() -> None:
    assert round(listed("resnet-20").multiply_adds / 1e6, 1) == 40.6


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_survives_being_written_as_json(name: str) -> None:
    made = listed(name)
    assert Inventory.from_json(json.loads(json.dumps(made.as_json()))) == made


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_the_last_prunable_layer_alone_is_the_output(name: str) -> None:
    roles = [layer.role for layer in listed(name).prunable]
    assert roles == ["hidden"] * (len(roles) - 1) + ["output"]


def test_rates_go_by_kind_and_the_output_has_its_own() -> None:
    assert [layer.rate_kind for layer in listed("conv-2").prunable] == ["conv", "conv", "linear", "linear", "output"]


def test_a_norm_has_no_rate() -> None:
    norm = next(layer for layer in listed("resnet-20").layers if layer.kind == "norm")
    with pytest.raises(ValueError, match=f"{norm.name} is a norm"):
        _ = norm.rate_kind


def test_a_network_without_convolutions_takes_any_shape_of_as_many_values() -> None:
    lenet = listed("lenet-300-100")
    assert lenet.misfit((1, 28, 28), 10) is None
    assert lenet.misfit((784,), 10) is None
    assert "[1, 28, 28], got [1, 8, 8]" in str(lenet.misfit((1, 8, 8), 10))


def test_a_network_with_convolutions_takes_its_own_shape_alone() -> None:
    assert listed("resnet-20").misfit((3, 32, 32), 10) is None
    assert "[3, 32, 32], got [1, 32, 96]" in str(listed("resnet-20").misfit((1, 32, 96), 10))


def test_more_classes_than_outputs_do_not_fit() -> None:
    assert listed("resnet-20").misfit((3, 32, 32), 9) is None
    assert "at most 10 classes" in str(listed("resnet-20").misfit((3, 32, 32), 11))
