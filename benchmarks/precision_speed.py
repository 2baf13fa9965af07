"""How long an update takes in bf16 beside fp32 on this processor: LeNet-300-100 and ResNet-20, in turns, one thread.

    python benchmarks/precision_speed.py [--pairs 5] [--output benchmarks/results/precision_speed.json]

CPU seconds of forward, backward and a step of SGD on random examples; the ratio is the median over pairs.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from circumstances import circumstances, load_now
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ticketing.folder import Execution, ModelSpec
from ticketing.runs.execution import settle
from ticketing.subject import load_subject, placed

CASES = {
    "lenet-300-100": ({"in_channels": 1, "input_size": [28, 28], "classes": 10}, (60, 1, 28, 28)),
    "resnet-20": ({"in_channels": 3, "input_size": [32, 32], "classes": 10}, (128, 3, 32, 32)),
}
"""Arguments of the network, and the shape of a batch."""


def seconds(network: nn.Module, x: Tensor, y: Tensor, *, bf16: bool) -> float:
    """Make one update and give the CPU seconds it took."""
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    began = time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = cross_entropy(network(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return time.process_time() - began


def measure(architecture: str, *, pairs: int) -> dict[str, float]:
    arguments, shape = CASES[architecture]
    subject = load_subject(ModelSpec(architecture=architecture, arguments=arguments, seed=0))
    network = placed(subject.module, subject.initial_state, device="cpu").to(memory_format=torch.channels_last)
    x, y = torch.randn(shape).contiguous(memory_format=torch.channels_last), torch.randint(10, shape[:1])
    took = [[seconds(network, x, y, bf16=bf16) for bf16 in (False, True)] for _ in range(pairs + 1)][1:]
    fp32, bf16 = (statistics.median(column) for column in zip(*took, strict=True))
    ratio = statistics.median(slow / fast for fast, slow in took)
    return {"fp32_seconds": round(fp32, 5), "bf16_seconds": round(bf16, 5), "ratio": round(ratio, 2), "n": pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/precision_speed.json"))
    options = parser.parse_args()
    settle(Execution(threads=1), deterministic=True)
    load = load_now()
    found = {name: measure(name, pairs=options.pairs) for name in CASES}
    capability = torch.backends.cpu.get_cpu_capability()
    written = {**circumstances(load), "instructions": capability, "updates": found}
    options.output.write_text(json.dumps(written, indent=2) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
