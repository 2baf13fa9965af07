"""The files of a network as a graph, for deployment: `.onnx` and `.pt2`, each compared with the network it is of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from ticketing.architectures import Inventory
from ticketing.errors import VerificationError
from ticketing.files import write_whole
from ticketing.graphs.onnx import as_onnx, onnx_runner
from ticketing.graphs.parity import EXAMPLES, parity
from ticketing.graphs.pt2 import as_pt2, weights_of
from ticketing.graphs.tracing import examples, trace
from ticketing.sparse import same_bits
from ticketing.subject import state_of

GRAPHS: Mapping[str, Callable[[ExportedProgram], bytes]] = {"onnx": as_onnx, "pt2": as_pt2}
"""By the words of `Recipe.outputs`, which are the endings of their files."""


def write_graphs(
    out: Path, network: nn.Module, inventory: Inventory, *, stem: str, words: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Write the graphs that a recipe asks for, and give by file how far its logits are from those of the network.

    Args:
        out: The folder.
        network: With weights on the CPU; left in eval mode.
        inventory: Of it or of the whole network, for its inputs.
        stem: Of the files: `model` or `slim`.
        words: Of the graphs, as `graphs_among` picks them.

    Raises:
        VerificationError: A graph does not compute what the network does.
    """
    if not words:
        return {}
    program, x, found = trace(network, inventory), examples(inventory, EXAMPLES), {}
    for word in words:
        name, graph = f"{stem}.{word}", GRAPHS[word](program)
        run = onnx_runner(graph, threads=1) if word == "onnx" else program.module()
        found[name] = asdict(parity(network, run, x, name=name))
        write_whole(out / name, graph)
    return found


def graphs_among(words: Sequence[str]) -> list[str]:
    """Pick the words of graphs out of those of `Recipe.outputs`."""
    return [word for word in words if word in GRAPHS]


def check_graphs(out: Path, network: nn.Module, inventory: Inventory, *, stem: str, words: Sequence[str]) -> None:
    """Compare the graphs of a folder with the network: what an ONNX model computes, which weights an archive holds.

    Args:
        out: The folder.
        network: With weights on the CPU; left in eval mode.
        inventory: Of it or of the whole network.
        stem: Of the files.
        words: Of `Recipe.outputs`; those of other files are passed over.

    Raises:
        VerificationError: A graph is of another network.
    """
    if "onnx" in words:
        run = onnx_runner((out / f"{stem}.onnx").read_bytes(), threads=1)
        parity(network.eval(), run, examples(inventory, EXAMPLES), name=f"{stem}.onnx")
    if "pt2" in words and not same_bits(weights_of((out / f"{stem}.pt2").read_bytes()), state_of(network)):
        raise VerificationError(f"{stem}.pt2: expected the weights of the network, bit for bit, got others")
