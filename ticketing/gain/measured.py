"""Measures what a ticket gains here: the report's `gain`, as plain values; judges and draws nothing."""

import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.channels import Channels, Kept
from ticketing.channels.slimming import slim_inventory, slim_module, slim_state
from ticketing.gain.latency import measure
from ticketing.gain.memory import peak_bytes
from ticketing.graphs.onnx import as_onnx, onnx_runner
from ticketing.graphs.tracing import examples, trace
from ticketing.subject import Subject, placed

BATCH_SIZES = (1, 32)
SECONDS = 2.0
"""Of every runtime and batch size, for all networks together."""
Runner = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Candidate:
    """A network as it would be deployed: in eval mode, in fp32, on the CPU."""

    network: nn.Module
    parameters: int
    multiply_adds: int
    """Of the kernels that run: zeros are multiplied too."""

    @classmethod
    def of(cls, module: nn.Module, state: Mapping[str, Tensor], inventory: Inventory) -> "Candidate":
        """Copy a module with the weights of `state`.

        Args:
            module: On the `meta` device or any other.
            state: Its whole state dict.
            inventory: Of the same network.
        """
        network = placed(module, state, device="cpu").eval()
        return cls(network, inventory.parameters_total, inventory.multiply_adds)

    @classmethod
    def slim(cls, subject: Subject, state: Mapping[str, Tensor], channels: Channels, kept: Kept) -> "Candidate":
        """Take channels out of a network with the weights of `state`, the whole state dict.

        Args:
            subject: The whole network.
            state: Its whole state dict.
            channels: Of the whole network.
            kept: True = kept.
        """
        module = slim_module(subject.module, channels, kept)
        return cls.of(module, slim_state(state, channels, kept), slim_inventory(subject.inventory, channels, kept))


def gain(
    candidates: Mapping[str, Candidate],
    inventory: Inventory,
    *,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    seconds: float = SECONDS,
    threads: int | None = None,
    between: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Measure networks in turns under torch and ONNX Runtime, on this machine's CPU.

    Args:
        candidates: By name, the dense one first: the others are set beside it.
        inventory: Of the whole network, for its inputs.
        batch_sizes: Examples at once.
        seconds: Of every runtime and batch size, for all networks together; longer where 21 rounds take longer.
        threads: Of one run; None for as many as torch has here.
        between: Called after every run, for it may take minutes in all; what it raises ends the measurement.
    """
    threads = threads or torch.get_num_threads()
    batches = {size: examples(inventory, size) for size in batch_sizes}
    installed = [runtime for runtime in RUNTIMES if find_spec(runtime) is not None]
    latency = []
    for runtime in installed:
        runners = {name: RUNTIMES[runtime](of.network, inventory, threads) for name, of in candidates.items()}
        for size, x in batches.items():
            times = measure({name: partial(run, x) for name, run in runners.items()}, seconds=seconds, between=between)
            about = {"runtime": runtime, "batch_size": size}
            latency += [about | {"network": name} | asdict(found) for name, found in times.items()]
    return {
        "machine": platform.machine(),
        "device": "cpu",
        "threads": threads,
        "versions": {runtime: importlib.metadata.version(runtime) for runtime in installed},
        "networks": {name: _told(candidate, batches) for name, candidate in candidates.items()},
        "latency": latency,
    }


def _told(candidate: Candidate, batches: Mapping[int, Tensor]) -> dict[str, Any]:
    return {
        "parameters": candidate.parameters,
        "multiply_adds": candidate.multiply_adds,
        "peak_bytes": {str(size): peak_bytes(candidate.network, x) for size, x in batches.items()},
    }


def _in_torch(network: nn.Module, inventory: Inventory, threads: int) -> Runner:
    def run(x: Tensor) -> Tensor:
        with torch.inference_mode():
            logits: Tensor = network(x)
        return logits

    return run


def _in_onnxruntime(network: nn.Module, inventory: Inventory, threads: int) -> Runner:
    return onnx_runner(as_onnx(trace(network, inventory)), threads=threads)


RUNTIMES: Mapping[str, Callable[[nn.Module, Inventory, int], Runner]] = {
    "torch": _in_torch,
    "onnxruntime": _in_onnxruntime,
}
"""By the name of its package: (network, inventory of the whole one, threads) -> what runs it on a batch."""
