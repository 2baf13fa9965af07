"""A network traced by `torch.export`: what both kinds of graph are made of; writes no file."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx import GraphModule

from ticketing.architectures import Inventory


def examples(inventory: Inventory, count: int, *, seed: int = 0) -> Tensor:
    """Draw inputs of a network: standard normal values of shape (count, *input_shape), or tokens of its vocabulary."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, *inventory.input_shape)
    if inventory.task == "next_token":
        return torch.randint(inventory.classes, shape, generator=generator)
    return torch.randn(shape, generator=generator)


def trace(network: nn.Module, inventory: Inventory) -> ExportedProgram:
    """Trace a network of an inventory, for batches of any size; nothing of where and from what it was traced stays.

    Args:
        network: With weights on the CPU; left in eval mode.
        inventory: Of it, for its inputs alone: that of the whole network does for a slim one.
    """
    program = torch.export.export(
        network.eval(), (examples(inventory, 2),), dynamic_shapes=({0: Dim("batch", min=1)},), strict=False
    )
    program._example_inputs = None
    for graph in program.graph_module.modules():
        if isinstance(graph, GraphModule):
            for node in graph.graph.nodes:
                node.meta.pop("stack_trace", None)
    return program


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters from telling what concerns their authors: features in beta, libraries they do without."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
