"""The modules of `conv-2/4/6` and `lenet-5`; their layers are listed in `ticketing.architectures.convnet`."""

from collections import OrderedDict

from torch import nn

from ticketing.architectures import Inventory


def build_conv(inventory: Inventory) -> nn.Sequential:
    """Build `conv-2`, `conv-4` or `conv-6`: 3x3 convolutions, a 2x2 max pool behind every second one."""
    return _build(inventory, padding=1, pool_every=2)


def build_lenet_5(inventory: Inventory) -> nn.Sequential:
    """Build `lenet-5`: 5x5 convolutions without padding, a 2x2 max pool behind each."""
    return _build(inventory, padding=0, pool_every=1)


def _build(inventory: Inventory, *, padding: int, pool_every: int) -> nn.Sequential:
    """Convolutions with ReLU and pools, then fully connected layers with ReLU between them."""
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    convolutions = [layer for layer in inventory.layers if layer.kind == "conv"]
    for number, layer in enumerate(convolutions, start=1):
        out, into, kernel, _ = layer.weight
        modules[layer.name] = nn.Conv2d(into, out, kernel, padding=padding)
        modules[f"relu_{layer.name}"] = nn.ReLU(inplace=True)
        if number % pool_every == 0:
            modules[f"pool_{layer.name}"] = nn.MaxPool2d(2)
    # Images are channels-last, but what is flattened is in the order of the channels first.
    modules["flatten"] = nn.Flatten()
    for layer in inventory.layers[len(convolutions) :]:
        out, into = layer.weight
        modules[layer.name] = nn.Linear(into, out)
        if layer.role == "hidden":
            modules[f"relu_{layer.name}"] = nn.ReLU(inplace=True)
    return nn.Sequential(modules)
