"""ticketing.models: what is built is what the inventory lists, and computes what its paper says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from ticketing.architectures import ARCHITECTURES, arguments_for, inventory
from ticketing.folder import ModelSpec
from ticketing.models import BUILDERS, build
from ticketing.subject import Subject, placed

TinyArguments = Callable[[str], dict[str, Any]]
MakeSubject = Callable[..., Subject]

WEIGHED = (nn.Conv2d, nn.Linear)
SAFETENSORS_WORD = {torch.float32: "F32", torch.int64: "I64"}
every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))

# Of each family one, with the arguments that keep it small; the deeper ones differ in numbers of blocks alone.
FAMILIES: dict[str, dict[str, Any]] = {
    "lenet-5": {},
    "conv-4": {},
    "resnet-20": {},
    "resnet-18": {},
    "resnet-50": {},
    "preresnet-56": {},
    "wide-resnet": {"depth": 10, "width": 2},
    "vgg-11-bn": {},
    "mobilenet-v2": {},
}
every_family = pytest.mark.parametrize("name", list(FAMILIES))


def built(name: str, **arguments: object) -> nn.Module:
    return build(ModelSpec(architecture=name, arguments=arguments_for(name, arguments)))


def check(name: str, arguments: dict[str, Any]) -> None:
    """Hold the state dict, the logits and the multiply-adds of the modules against the inventory."""
    listed = inventory(name, arguments_for(name, arguments))
    network = built(name, **arguments)
    state = {key: (tuple(t.shape), SAFETENSORS_WORD[t.dtype]) for key, t in network.state_dict().items()}
    assert list(state.items()) == [(key, tuple(entry)) for key, entry in listed.state.items()]
    modules = {module_name for module_name, module in network.named_modules() if isinstance(module, WEIGHED)}
    counted = {layer.name: layer.multiply_adds for layer in listed.prunable if layer.name in modules}
    assert {layer.kind for layer in listed.prunable if layer.name not in modules} <= {"attention", "embedding"}
    seen: dict[str, int] = {}

    def count(layer_name: str, weight: torch.Tensor, output: torch.Tensor) -> None:
        # Every output of a convolution or linear layer is a sum over one filter of the weight.
        seen[layer_name] = output[0].numel() * weight[0].numel()

    for layer_name, module in network.named_modules():
        if layer_name in counted:
            module.register_forward_hook(lambda m, _, output, n=layer_name: count(n, m.weight, output))
    whole = listed.task == "classification"
    x = torch.empty(2, *listed.input_shape, device="meta", dtype=torch.float32 if whole else torch.int64)
    assert network(x).shape == (2, *(() if whole else listed.input_shape), listed.classes)
    assert seen == counted


def test_every_architecture_has_modules() -> None:
    assert BUILDERS.keys() == ARCHITECTURES.keys()


@every_architecture
def test_states_and_operations_are_those_listed(name: str) -> None:
    check(name, {})


@pytest.mark.parametrize("beyond", [(0, 0), (1, 6), (55, 60)])
@every_family
def test_states_and_operations_are_those_listed_for_any_image(
    name: str, beyond: tuple[int, int], tiny_arguments: TinyArguments
) -> None:
    height, width = tiny_arguments(name)["input_size"]
    size = [height + beyond[0], width + beyond[1]]
    check(name, {"in_channels": 2, "input_size": size, "classes": 5} | FAMILIES[name])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mlp", {"in_channels": 1, "input_size": [1, 3]}),
        ("resnet-18", {"in_channels": 1, "input_size": [9, 7], "stem": "imagenet"}),
        ("resnet-18", {"in_channels": 1, "input_size": [97, 70], "stem": "imagenet"}),
        ("mobilenet-v2", {"in_channels": 1, "input_size": [33, 9], "stem": "imagenet"}),
        ("mobilenet-v2", {"in_channels": 1, "input_size": [33, 9], "stem": "cifar"}),
        ("vgg-11-bn", {"in_channels": 1, "input_size": [33, 60], "classifier": "imagenet"}),
        ("vgg-11-bn", {"in_channels": 1, "input_size": [224, 224], "classifier": "imagenet"}),
        ("wide-resnet", {"depth": 16, "width": 1}),
        ("vit-tiny", {"in_channels": 2, "input_size": [6, 10], "patch": 2, "width": 6, "depth": 2}),
    ],
)
def test_every_form_of_a_network_is_the_one_listed(name: str, arguments: dict[str, Any]) -> None:
    check(name, {"classes": 4} | arguments)


@every_architecture
def test_nothing_is_allocated_however_large(name: str) -> None:
    large = {"in_channels": 4, "input_size": [64, 64], "classes": 1000}
    network = built(name, **large if ARCHITECTURES[name].task == "classification" else {"vocabulary": 50_000})
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}


@every_family
def test_the_same_batch_gives_the_same_gradients_however_images_lie(
    name: str, make_subject: MakeSubject, tiny_arguments: TinyArguments
) -> None:
    subject = make_subject(name, **tiny_arguments(name) | FAMILIES[name] | {"in_channels": 3})
    x = torch.randn(4, *subject.inventory.input_shape, generator=torch.Generator().manual_seed(0))
    last = x.contiguous(memory_format=torch.channels_last)

    def gradients(x: torch.Tensor) -> list[torch.Tensor]:
        network = placed(subject.module, subject.initial_state, device="cpu").train().to(x.dtype)
        loss = functional.cross_entropy(network(x), torch.arange(4) % 3)
        return list(torch.autograd.grad(loss, list(network.parameters())))

    torch._C._set_deterministic_algorithms(True)
    try:
        one, same = (gradients(last) for _ in range(2))
    finally:
        torch._C._set_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    # In float64: sums in another order, and norms over four examples of a pixel each make small differences large.
    pairs = zip(gradients(last.double()), gradients(x.double()), strict=True)
    assert all((a - b).norm() <= 1e-5 * (a.norm() + 1e-3) for a, b in pairs)


@pytest.mark.parametrize("name", ["resnet-34", "resnet-50", "vgg-13-bn", "vgg-16-bn", "vgg-19-bn", "resnet-110"])
def test_a_large_network_makes_finite_logits(
    name: str, make_subject: MakeSubject, tiny_arguments: TinyArguments
) -> None:
    subject = make_subject(name, **tiny_arguments(name))
    network = placed(subject.module, subject.initial_state, device="cpu").eval()
    with torch.inference_mode():
        logits = network(torch.randn(1, *subject.inventory.input_shape, generator=torch.Generator().manual_seed(0)))
    assert logits.isfinite().all()
    assert logits.std() > 0


def test_a_perceptron_is_linear_layers_with_relu_between() -> None:
    network = built("mlp", in_features=4, hidden=[3], classes=2).to_empty(device="cpu")
    for parameter in network.parameters():
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(0))
    state, x = network.state_dict(), torch.randn(6, 4)
    hidden = functional.linear(x, state["fc1.weight"], state["fc1.bias"]).clamp(min=0)
    assert torch.equal(network(x), functional.linear(hidden, state["fc2.weight"], state["fc2.bias"]))


def test_a_flat_network_reads_channels_last_images_in_channels_first_order() -> None:
    network = built("conv-2", in_channels=3, input_size=[6, 6]).to_empty(device="cpu")
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 3, 6, 6)
    last = network.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(
        network.to(memory_format=torch.contiguous_format)(x), last, atol=1e-5
    )  # another summation order
