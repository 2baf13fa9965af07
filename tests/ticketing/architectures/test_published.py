"""ticketing.architectures: names, shapes and counts of state dicts are the published ones, written down here.

torchvision's names and shapes are those of its own modules (`torchvision/models/{resnet,vgg,mobilenetv2}.py`), its
parameters and multiply-adds those of its table of weights; others' are those of the papers or of their code.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from ticketing.architectures import Inventory, TensorShape, arguments_for, inventory
from ticketing.architectures.arguments import ImageArguments
from ticketing.architectures.preresnet import WIDTHS, _bottleneck, _layers

IMAGENET: dict[str, Any] = {"in_channels": 3, "input_size": [224, 224], "classes": 1000}
CIFAR: dict[str, Any] = {"in_channels": 3, "input_size": [32, 32], "classes": 10}
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def listed(name: str, arguments: dict[str, Any]) -> Inventory:
    return inventory(name, arguments_for(name, arguments))


def norm(name: str) -> Iterator[str]:
    return (f"{name}.{entry}" for entry in NORM)


def resnet_keys(blocks: tuple[int, ...], *, convolutions: int, projected: tuple[int, ...]) -> list[str]:
    """torchvision's names: blocks in each of four stages, `projected` those stages whose first block has a shortcut."""
    keys = ["conv1.weight", *norm("bn1")]
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            at = f"layer{stage}.{block}"
            for number in range(1, convolutions + 1):
                keys += [f"{at}.conv{number}.weight", *norm(f"{at}.bn{number}")]
            if block == 0 and stage in projected:
                keys += [f"{at}.downsample.0.weight", *norm(f"{at}.downsample.1")]
    return [*keys, "fc.weight", "fc.bias"]


def vgg_keys(convolutions: tuple[int, ...]) -> list[str]:
    """torchvision's names: the place of every convolution among `features`; its norm stands behind it."""
    keys = list[str]()
    for at in convolutions:
        keys += [f"features.{at}.weight", f"features.{at}.bias", *norm(f"features.{at + 1}")]
    return keys + [f"classifier.{at}.{entry}" for at in (0, 3, 6) for entry in ("weight", "bias")]


def mobilenet_keys() -> list[str]:
    """torchvision's names: 17 inverted residuals between two convolutions; the first one does not widen."""
    keys = ["features.0.0.weight", *norm("features.0.1")]
    for at in range(1, 18):
        wide = () if at == 1 else (0,)
        for place in (*wide, len(wide)):
            keys += [f"features.{at}.conv.{place}.0.weight", *norm(f"features.{at}.conv.{place}.1")]
        keys += [f"features.{at}.conv.{len(wide) + 1}.weight", *norm(f"features.{at}.conv.{len(wide) + 2}")]
    return [*keys, "features.18.0.weight", *norm("features.18.1"), "classifier.1.weight", "classifier.1.bias"]


TORCHVISION = [
    # name, parameters, multiply-adds in millions, entries of the state dict, its keys
    ("resnet-18", 11_689_512, 1814, 122, resnet_keys((2, 2, 2, 2), convolutions=2, projected=(2, 3, 4))),
    ("resnet-34", 21_797_672, 3664, 218, resnet_keys((3, 4, 6, 3), convolutions=2, projected=(2, 3, 4))),
    ("resnet-50", 25_557_032, 4089, 320, resnet_keys((3, 4, 6, 3), convolutions=3, projected=(1, 2, 3, 4))),
    ("vgg-11-bn", 132_868_840, 7609, 62, vgg_keys((0, 4, 8, 11, 15, 18, 22, 25))),
    ("vgg-13-bn", 133_053_736, 11308, 76, vgg_keys((0, 3, 7, 10, 14, 17, 21, 24, 28, 31))),
    ("vgg-16-bn", 138_365_992, 15470, 97, vgg_keys((0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40))),
    (
        "vgg-19-bn",
        143_678_248,
        19632,
        118,
        vgg_keys((0, 3, 7, 10, 14, 17, 20, 23, 27, 30, 33, 36, 40, 43, 46, 49)),
    ),
    ("mobilenet-v2", 3_504_872, 301, 314, mobilenet_keys()),
]


@pytest.mark.parametrize(("name", "parameters", "millions", "entries", "keys"), TORCHVISION)
def test_a_network_of_torchvision_has_its_names_and_counts(
    name: str, parameters: int, millions: int, entries: int, keys: list[str]
) -> None:
    made = listed(name, IMAGENET)
    assert list(made.state) == keys
    assert len(keys) == entries
    assert made.parameters_total == parameters
    assert round(made.multiply_adds / 1e6) == millions


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("resnet-18", "conv1.weight", (64, 3, 7, 7)),
        ("resnet-18", "layer4.0.downsample.0.weight", (512, 256, 1, 1)),
        ("resnet-50", "layer1.0.conv1.weight", (64, 64, 1, 1)),
        ("resnet-50", "layer1.1.conv1.weight", (64, 256, 1, 1)),
        ("resnet-50", "layer3.0.conv2.weight", (256, 256, 3, 3)),
        ("resnet-50", "layer4.2.conv3.weight", (2048, 512, 1, 1)),
        ("resnet-50", "fc.weight", (1000, 2048)),
        ("vgg-16-bn", "features.40.weight", (512, 512, 3, 3)),
        ("vgg-16-bn", "features.41.running_var", (512,)),
        ("vgg-16-bn", "classifier.0.weight", (4096, 25088)),
        ("mobilenet-v2", "features.1.conv.0.0.weight", (32, 1, 3, 3)),
        ("mobilenet-v2", "features.2.conv.1.0.weight", (96, 1, 3, 3)),
        ("mobilenet-v2", "features.17.conv.2.weight", (320, 960, 1, 1)),
        ("mobilenet-v2", "features.18.0.weight", (1280, 320, 1, 1)),
        ("mobilenet-v2", "classifier.1.weight", (1000, 1280)),
    ],
)
def test_a_tensor_of_torchvision_has_its_shape(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert listed(name, IMAGENET).state[key] == TensorShape(shape, "F32")


@pytest.mark.parametrize(
    ("name", "arguments", "parameters"),
    [
        # Han et al. 2015, table 3: 431 thousand.
        ("lenet-5", {"in_channels": 1, "input_size": [28, 28]}, 431_080),
        # Frankle & Carbin 2018, figure 2: 4.3 and 2.4 million. For conv-6 it says 1.7; its layers have 2.3.
        ("conv-2", {}, 4_301_642),
        ("conv-4", {}, 2_425_930),
        ("conv-6", {}, 2_262_602),
        # He et al. 2015, table 6: 0.27, 0.46, 0.85 and 1.7 million.
        ("resnet-20", {}, 269_722),
        ("resnet-32", {}, 464_154),
        ("resnet-56", {}, 853_018),
        ("resnet-110", {}, 1_727_962),
        # The forms for CIFAR-10 that most code in PyTorch has.
        ("resnet-18", {}, 11_173_962),
        ("resnet-34", {}, 21_282_122),
        ("resnet-50", {}, 23_520_842),
        ("vgg-11-bn", {}, 9_231_114),
        ("vgg-13-bn", {}, 9_416_010),
        ("vgg-16-bn", {}, 14_728_266),
        ("vgg-19-bn", {}, 20_040_522),
        ("mobilenet-v2", {}, 2_236_682),
        # Zagoruyko & Komodakis 2016: 36.5, 17.1 and 2.2 million.
        ("wide-resnet", {}, 36_479_194),
        ("wide-resnet", {"depth": 16, "width": 10}, 17_116_634),
        ("wide-resnet", {"depth": 40, "width": 2}, 2_243_546),
    ],
)
def test_parameters_are_the_published_ones(name: str, arguments: dict[str, Any], parameters: int) -> None:
    assert listed(name, CIFAR | arguments).parameters_total == parameters


def test_the_rule_of_the_pre_activation_networks_gives_the_164_layers_of_their_paper() -> None:
    # He et al. 2016 give 1.7 million; other implementations count 1,703,258.
    arguments = ImageArguments.model_validate(CIFAR)
    made = _layers(arguments, block=_bottleneck, widths=WIDTHS, count=(164 - 2) // 9)
    assert sum(layer.entries + (layer.weight[0] if layer.bias else 0) for layer in made) == 1_703_258


@pytest.mark.parametrize(("name", "depth"), [("preresnet-56", 56), ("preresnet-101", 101)])
def test_depth_counts_the_convolutions_on_the_longest_way_and_the_linear_layer(name: str, depth: int) -> None:
    longest = [layer for layer in listed(name, CIFAR).prunable if "downsample" not in layer.name]
    assert len(longest) == depth
