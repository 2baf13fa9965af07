"""The zoo as modules: builds what `ticketing.architectures` lists; draws no weights.

To add one: a file here with a function from inventory to module, and its line in `BUILDERS`.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from ticketing.architectures import Inventory, inventory
from ticketing.folder import ModelSpec
from ticketing.models.convnet import build_conv_2
from ticketing.models.gpt import build_gpt
from ticketing.models.mlp import build_mlp
from ticketing.models.resnet import build_resnet_20
from ticketing.models.vit import build_vit

BUILDERS: Mapping[str, Callable[[Inventory], nn.Module]] = {
    "mlp": build_mlp,
    "lenet-300-100": build_mlp,
    "conv-2": build_conv_2,
    "resnet-20": build_resnet_20,
    "vit-tiny": build_vit,
    "gpt": build_gpt,
}


def build(spec: ModelSpec) -> nn.Module:
    """Build the modules of an architecture on the `meta` device: shapes without memory, whatever the arguments.

    Raises:
        ModelError: An unknown architecture, or arguments missing, unknown or out of bounds.
    """
    made = inventory(spec.architecture, spec.arguments)
    with torch.device("meta"):
        return BUILDERS[made.architecture](made)
