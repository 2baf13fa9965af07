"""Slim against masked on every network of the zoo, and what torch-pruning makes of the same removals.

    python benchmarks/channels.py [--output benchmarks/results/channels.json]

Of every network at the size of CIFAR-10 (text: 50 tokens, 8 in context) the second and the last but one channel of
every layer are removed, and the logits of 4 random inputs compared with those of the whole network that has them
zeroed: the largest difference over the largest logit. Once per network, one thread. With torch-pruning importable
(`pip install torch-pruning==1.6.1`, no dependency of ours) it removes the same places of each of its own groups.
"""

import argparse
import json
import time
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ticketing.architectures import ARCHITECTURES, Inventory, inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.slimming import slim_module, slim_state, without
from ticketing.folder import ModelSpec
from ticketing.models import build
from ticketing.subject import initialise, placed

SMALL_STEM = ("resnet-18", "resnet-34", "resnet-50", "mobilenet-v2")
TEXT = {"vocabulary": 50, "context": 8, "width": 48, "depth": 2, "heads": 3}


def arguments_of(name: str) -> dict[str, Any]:
    images = {"in_channels": 3, "input_size": [32, 32], "classes": 10}
    own = {"stem": "cifar"} if name in SMALL_STEM else {"hidden": [300, 100]} if name == "mlp" else {}
    if name in ("mlp", "lenet-300-100"):
        images = {"in_features": 3072, "classes": 10}
    return TEXT if name == "gpt" else {**images, **own}


def places(length: int) -> list[int]:
    """The second and the last but one."""
    return sorted({1, length - 2})


def lived_in(listed: Inventory) -> dict[str, Tensor]:
    """Draw weights, and scales and statistics that are not at rest."""
    generator = torch.Generator().manual_seed(0)
    state = initialise(listed, 0)
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.dim() == 1:
            noise = torch.rand(tensor.shape, generator=generator) / 4
            state[name] = tensor + noise
    return state


def removed(channels: Channels, listed: Inventory) -> Tensor:
    kept = torch.ones(channels.count, dtype=torch.bool)
    for layer in listed.prunable:
        along = channels.axes.get((layer.parameter, 0))
        if along is not None and bool((along >= 0).all()) and len(set(along.tolist())) > 2:
            kept[along[places(len(along))]] = False
    return kept


def difference(ours: Tensor, reference: Tensor) -> float:
    return float((ours - reference).abs().max() / reference.abs().max())


def followed(module: nn.Module, listed: Inventory, state: Mapping[str, Tensor], x: Tensor) -> dict[str, Any]:
    started = time.perf_counter()
    channels = channels_of(module, listed)
    found: dict[str, Any] = {"channels": channels.count, "seconds": round(time.perf_counter() - started, 3)}
    kept = removed(channels, listed)
    found["removed"] = int((~kept).sum())
    for name, dtype in (("fp32", torch.float32), ("fp64", torch.float64)):
        as_type = {key: t.to(dtype) if t.is_floating_point() else t for key, t in state.items()}
        given = x.to(dtype) if x.is_floating_point() else x
        slim = placed(slim_module(module, channels, kept), slim_state(as_type, channels, kept), device="cpu").eval()
        masked = placed(module, without(as_type, channels, kept), device="cpu").eval()
        with torch.no_grad():
            found[name] = difference(slim(given), masked(given))
    return found


def torch_pruned(module: nn.Module, state: Mapping[str, Tensor], x: Tensor) -> float | str | None:
    """Give its difference, or the error it ends in; None where it cannot be imported."""
    try:
        import torch_pruning  # type: ignore[import-not-found]
    except ImportError:
        return None
    network = placed(module, state, device="cpu").eval()
    try:
        graph = torch_pruning.DependencyGraph().build_dependency(network, example_inputs=x)
        output = [part for part in network.modules() if isinstance(part, nn.Linear)][-1]
        groups = list(graph.get_all_groups(ignored_layers=[output]))
        masked, names = deepcopy(network), {part: name for name, part in network.named_modules()}
        for group in groups:
            for dependency, indices in group:
                name = names.get(dependency.target.module)
                if "out" in dependency.handler.__name__ and name is not None:
                    chosen = [indices[place] for place in places(len(indices))]
                    for parameter in masked.get_submodule(name).parameters(recurse=False):
                        parameter.data[chosen] = 0
        for group in groups:
            group.prune(idxs=places(len(group[0].idxs)))
        with torch.no_grad():
            return difference(network(x), masked(x))
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/channels.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = {}
    for name in ARCHITECTURES:
        listed = inventory(name, arguments_of(name))
        module, state = build(ModelSpec(architecture=name, arguments=listed.arguments)), lived_in(listed)
        generator = torch.Generator().manual_seed(1)
        text = listed.task == "next_token"
        shape = (4, *listed.input_shape)
        x = torch.randint(50, shape, generator=generator) if text else torch.randn(shape, generator=generator)
        rows[name] = followed(module, listed, state, x) | {"torch_pruning": torch_pruned(module, state, x)}
        print(name, rows[name], flush=True)
    options.output.write_text(json.dumps({"torch": torch.__version__, "n": 1, "networks": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
