"""The zoo as modules: builds what `ticketing.architectures` lists; draws no weights.

To add one: a file here with a function from inventory to module, and its line in `BUILDERS`.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from ticketing.architectures import Inventory, inventory
from ticketing.folder import ModelSpec
from ticketing.models.convnet import build_conv, build_lenet_5
from ticketing.models.mlp import build_mlp
from ticketing.models.mobilenet import build_mobilenet
from ticketing.models.preresnet import build_preresnet, build_wide_resnet
from ticketing.models.resnet import build_resnet, build_small_resnet
from ticketing.models.vgg import build_vgg

BUILDERS: Mapping[str, Callable[[Inventory], nn.Module]] = {
    **dict.fromkeys(("mlp", "lenet-300-100"), build_mlp),
    "lenet-5": build_lenet_5,
    **dict.fromkeys(("conv-2", "conv-4", "conv-6"), build_conv),
    **dict.fromkeys(("resnet-20", "resnet-32", "resnet-56", "resnet-110"), build_small_resnet),
    **dict.fromkeys(("resnet-18", "resnet-34", "resnet-50"), build_resnet),
    **dict.fromkeys(("preresnet-56", "preresnet-101"), build_preresnet),
    "wide-resnet": build_wide_resnet,
    **dict.fromkeys(("vgg-11-bn", "vgg-13-bn", "vgg-16-bn", "vgg-19-bn"), build_vgg),
    "mobilenet-v2": build_mobilenet,
}


def build(spec: ModelSpec) -> nn.Module:
    """Build the modules of an architecture on the `meta` device: shapes without memory, whatever the arguments.

    Raises:
        ModelError: An unknown architecture, or arguments missing, unknown or out of bounds.
    """
    made = inventory(spec.architecture, spec.arguments)
    with torch.device("meta"):
        return BUILDERS[made.architecture](made)
