"""ticketing.models: in evaluation, the same numbers as torchvision's networks written out operation by operation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ticketing.subject import Subject, placed

MakeSubject = Callable[..., Subject]
State = dict[str, Tensor]


def conv(state: State, name: str, x: Tensor, *, stride: int = 1, groups: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)


def norm(state: State, name: str, x: Tensor) -> Tensor:
    mean, variance, scale, shift = (
        state[f"{name}.{entry}"].reshape(-1, 1, 1) for entry in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def resnet(state: State, x: Tensor, *, large: bool) -> Tensor:
    x = norm(state, "bn1", conv(state, "conv1", x, stride=2 if large else 1)).relu()
    x = functional.max_pool2d(x, 3, 2, 1) if large else x
    bottleneck = "layer1.0.conv3.weight" in state
    for at in dict.fromkeys(key.rpartition(".conv")[0] for key in state if key.startswith("layer") and ".conv" in key):
        stride = 2 if at.endswith(".0") and at != "layer1.0" else 1
        y = norm(state, f"{at}.bn1", conv(state, f"{at}.conv1", x, stride=1 if bottleneck else stride)).relu()
        y = norm(state, f"{at}.bn2", conv(state, f"{at}.conv2", y, stride=stride if bottleneck else 1))
        if bottleneck:
            y = norm(state, f"{at}.bn3", conv(state, f"{at}.conv3", y.relu()))
        if f"{at}.downsample.0.weight" in state:
            x = norm(state, f"{at}.downsample.1", conv(state, f"{at}.downsample.0", x, stride=stride))
        elif stride == 2:  # option A
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, x.shape[1] // 2, x.shape[1] // 2))
        x = (x + y).relu()
    return functional.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


def preactivated(state: State, x: Tensor, *, large: bool) -> Tensor:
    assert not large
    x = conv(state, "conv1", x)
    for at in dict.fromkeys(key.rpartition(".conv")[0] for key in state if key.startswith("layer") and ".conv" in key):
        first, count = 2 if at.endswith(".0") and at != "layer1.0" else 1, 3 if f"{at}.conv3.weight" in state else 2
        y = active = norm(state, f"{at}.bn1", x).relu()
        for number in range(1, count + 1):
            y = norm(state, f"{at}.bn{number}", y).relu() if number > 1 else y
            # A bottleneck's 3x3 convolution, or the first of a wide block, halves the image.
            y = conv(state, f"{at}.conv{number}", y, stride=first if number == count - 1 else 1)
        if f"{at}.downsample.0.weight" in state:
            x = conv(state, f"{at}.downsample.0", x if count == 3 else active, stride=first)
        x = x + y
    return functional.linear(norm(state, "bn", x).relu().mean((2, 3)), state["fc.weight"], state["fc.bias"])


def mobilenet(state: State, x: Tensor, *, large: bool) -> Tensor:
    x = norm(state, "features.0.1", conv(state, "features.0.0", x, stride=2 if large else 1)).clamp(0, 6)
    for block in range(1, 18):
        at, y = f"features.{block}.conv", x
        depthwise = 0 if block == 1 else 1
        if depthwise:
            y = norm(state, f"{at}.0.1", conv(state, f"{at}.0.0", y)).clamp(0, 6)
        # Table 2: the blocks that begin a line of stride 2.
        stride = 2 if block in ((2, 4, 7, 14) if large else (4, 7, 14)) else 1
        y = conv(state, f"{at}.{depthwise}.0", y, stride=stride, groups=y.shape[1])
        y = norm(state, f"{at}.{depthwise}.1", y).clamp(0, 6)
        y = norm(state, f"{at}.{depthwise + 2}", conv(state, f"{at}.{depthwise + 1}", y))
        x = x + y if x.shape == y.shape else y
    x = norm(state, "features.18.1", conv(state, "features.18.0", x)).clamp(0, 6)
    return functional.linear(x.mean((2, 3)), state["classifier.1.weight"], state["classifier.1.bias"])


def vgg(state: State, x: Tensor, *, large: bool) -> Tensor:
    assert not large
    pools = (4, 8, 15, 22)  # of 11 layers: the convolutions before which torchvision's table has a pool
    for at in (0, 4, 8, 11, 15, 18, 22, 25):
        x = functional.max_pool2d(x, 2) if at in pools else x
        x = conv(state, f"features.{at}", x) + state[f"features.{at}.bias"].reshape(-1, 1, 1)
        x = norm(state, f"features.{at + 1}", x).relu()
    return functional.linear(x.mean((2, 3)), state["classifier.weight"], state["classifier.bias"])


@pytest.mark.parametrize(
    ("name", "reference", "arguments"),
    [
        ("resnet-20", resnet, {"input_size": [9, 12]}),
        ("preresnet-56", preactivated, {"input_size": [9, 12]}),
        ("wide-resnet", preactivated, {"input_size": [9, 12], "depth": 10, "width": 2}),
        ("resnet-18", resnet, {"stem": "cifar", "input_size": [9, 12]}),
        ("resnet-50", resnet, {"stem": "imagenet", "input_size": [40, 33]}),
        ("mobilenet-v2", mobilenet, {"stem": "cifar", "input_size": [9, 12]}),
        ("mobilenet-v2", mobilenet, {"stem": "imagenet", "input_size": [40, 33]}),
        ("vgg-11-bn", vgg, {"classifier": "single", "input_size": [17, 35]}),
    ],
)
def test_a_network_computes_what_its_reference_computes(
    make_subject: MakeSubject, name: str, reference: Callable[..., Tensor], arguments: dict[str, Any]
) -> None:
    subject = make_subject(name, in_channels=3, classes=5, **arguments)
    generator = torch.Generator().manual_seed(0)
    for key, tensor in subject.initial_state.items():
        if key.endswith(("bias", "running_mean")):
            tensor.normal_(0, 0.1, generator=generator)
        elif tensor.dim() == 1:
            tensor.uniform_(0.5, 1.5, generator=generator)
    # In float64, in which only another network computes anything else.
    network = placed(subject.module, subject.initial_state, device="cpu").double().eval()
    state = {key: tensor.double() for key, tensor in subject.initial_state.items()}
    x = torch.randn(2, *subject.inventory.input_shape, generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        ours, theirs = network(x), reference(state, x, large=arguments.get("stem") == "imagenet")
    assert theirs.std() > 1e-3 * theirs.abs().max()
    assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9 * theirs.abs().max().item())
