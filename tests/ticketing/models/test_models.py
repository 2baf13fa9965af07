"""ticketing.models: what is built is what the inventory lists, and computes what its paper says."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from ticketing.architectures import ARCHITECTURES, arguments_for, inventory
from ticketing.folder import ModelSpec
from ticketing.models import BUILDERS, build
from ticketing.models.resnet import Block

SAFETENSORS_WORD = {torch.float32: "F32", torch.int64: "I64"}
WEIGHED = (nn.Conv2d, nn.Linear)
every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))
every_classifier = pytest.mark.parametrize("name", [n for n, a in ARCHITECTURES.items() if a.task == "classification"])


def built(name: str, **arguments: object) -> nn.Module:
    return build(ModelSpec(architecture=name, arguments=arguments_for(name, arguments)))


def test_every_architecture_has_modules() -> None:
    assert BUILDERS.keys() == ARCHITECTURES.keys()


@every_architecture
def test_the_state_dict_is_the_one_listed_in_order(name: str) -> None:
    listed = inventory(name, arguments_for(name, {})).state
    came = {key: (tuple(t.shape), SAFETENSORS_WORD[t.dtype]) for key, t in built(name).state_dict().items()}
    assert list(came.items()) == [(key, tuple(entry)) for key, entry in listed.items()]


@every_classifier
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 7), (1, 2, 2)])
def test_makes_one_logit_per_class_for_any_image(name: str, shape: tuple[int, ...]) -> None:
    network = built(name, in_channels=shape[0], input_size=list(shape[1:]), classes=5)
    assert network(torch.empty(4, *shape, device="meta")).shape == (4, 5)


@every_architecture
def test_counted_multiply_adds_are_those_of_the_operations(name: str) -> None:
    listed = inventory(name, arguments_for(name, {}))
    modules = {module_name for module_name, module in built(name).named_modules() if isinstance(module, WEIGHED)}
    counted = {layer.name: layer.multiply_adds for layer in listed.prunable if layer.name in modules}
    assert {layer.kind for layer in listed.prunable if layer.name not in modules} <= {"attention", "embedding"}
    seen: dict[str, int] = {}

    def count(layer_name: str, weight: torch.Tensor, output: torch.Tensor) -> None:
        # Every output of a convolution or linear layer is a sum over one filter of the weight.
        seen[layer_name] = output[0].numel() * weight[0].numel()

    network = built(name)
    for layer_name, module in network.named_modules():
        if layer_name in counted:
            module.register_forward_hook(lambda m, _, output, n=layer_name: count(n, m.weight, output))
    whole = listed.task == "classification"
    network(torch.empty(1, *listed.input_shape, device="meta", dtype=torch.float32 if whole else torch.int64))
    assert seen == counted


@every_classifier
def test_nothing_is_allocated_however_large(name: str) -> None:
    network = built(name, in_channels=4, input_size=[64, 64], classes=1000)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}


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


def test_a_shortcut_halves_the_image_and_pads_channels_without_parameters() -> None:
    block = Block(2, 4)
    x = torch.arange(32.0).reshape(1, 2, 4, 4)
    carried = block._carried(x)
    assert carried[:, [0, 3]].eq(0).all()
    assert torch.equal(carried[:, 1:3], x[:, :, ::2, ::2])


def test_a_residual_block_without_weights_passes_its_input_on() -> None:
    block = Block(4, 4).eval()
    nn.init.zeros_(block.bn2.weight)
    x = torch.rand(1, 4, 5, 5)
    assert torch.equal(block(x), x)
