"""How well a target of speed is met, and what single channels cost, on a Conv-2 for 8x8 images.

    .venv/bin/python benchmarks/slim_targets.py [--repeats 5] [--threads 1]

First, so many times for each runtime and batch, with single channels and with multiples of 8: the widths for 1.5 times
the speed of dense are looked for as a run does, then dense and slim are timed anew, as the report's gain does, and what
came is set beside what was asked. Then networks of 24 to 40 channels a convolution (of 64) are timed in turns with
dense, so many rounds as two seconds hold.
Writes benchmarks/results/slim_targets.json.
"""

import argparse
import json
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from training_speed import machine

from ticketing.channels import channels_of
from ticketing.channels.sets import sets_of
from ticketing.folder import ModelSpec
from ticketing.gain.latency import Latency, measure
from ticketing.gain.measured import RUNTIMES, Candidate
from ticketing.gain.widths import widths
from ticketing.graphs.tracing import examples
from ticketing.recipe import Iterative
from ticketing.subject import load_subject

RESULT = Path(__file__).parent / "results" / "slim_targets.json"
SUBJECT = load_subject(
    ModelSpec(architecture="conv-2", arguments={"in_channels": 1, "input_size": [8, 8], "classes": 10}, seed=0)
)
CHANNELS = channels_of(SUBJECT.module, SUBJECT.inventory)
SETS = sets_of(CHANNELS)
DENSE = Candidate.of(SUBJECT.module, SUBJECT.initial_state, SUBJECT.inventory)
PLACES = [("onnxruntime", 1), ("onnxruntime", 32), ("torch", 1), ("torch", 32)]
SPEEDUP = 1.5
NARROWER = (40, 36, 33, 32, 31, 28, 25, 24)


def slim(kept: list[int]) -> Candidate:
    """Keep so many channels of every set."""
    left = torch.zeros(CHANNELS.count, dtype=torch.bool)
    for alike, count in zip(SETS.sets, kept, strict=True):
        left[list(alike.channels[:count])] = True
    return Candidate.slim(SUBJECT, SUBJECT.initial_state, CHANNELS, left)


def timed(runtime: str, size: int, **others: Candidate) -> dict[str, Latency]:
    """Time networks in turns with dense."""
    x, threads = examples(SUBJECT.inventory, size), torch.get_num_threads()
    networks = {"dense": DENSE, **others}
    runs = {
        name: partial(RUNTIMES[runtime](of.network, SUBJECT.inventory, threads), x) for name, of in networks.items()
    }
    return measure(runs, seconds=2.0)


def met(runtime: str, size: int, *, round_to: int) -> dict[str, Any]:
    """Look for the widths that meet the target, and time what was found anew."""
    target = {"speedup": SPEEDUP, "runtime": runtime, "batch_size": size}
    words = {"search": "iterative", "structure": "channel", "round_to": round_to, "target": target}
    recipe = Iterative.model_validate(words)
    kept = widths(SUBJECT, recipe, CHANNELS, SETS)["kept"]
    found = timed(runtime, size, slim=slim(kept))
    came = found["slim"].faster
    return {"kept": kept, "came": came, "met": came >= SPEEDUP, "dense_p50_ms": found["dense"].p50}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    made: dict[str, Any] = {"machine": machine(), "threads": asked.threads, "targets": [], "channels": []}
    for (runtime, size), round_to in product(PLACES, (1, 8)):
        rows = [met(runtime, size, round_to=round_to) for _ in range(asked.repeats)]
        words = {"speedup": SPEEDUP, "runtime": runtime, "batch_size": size, "round_to": round_to}
        made["targets"].append(words | {"repeats": rows})
        print(
            runtime,
            size,
            f"of {round_to}:",
            *(f"{r['came']:.2f} (kept {r['kept'][0]}, {r['dense_p50_ms']:.2f} ms)" for r in rows),
        )
    for runtime, size in PLACES:
        found = timed(runtime, size, **{str(k): slim([k, k, 4 * k, 4 * k]) for k in NARROWER})
        of_each = {name: {"faster": of.faster, "interval": of.interval, "n": of.n} for name, of in found.items()}
        made["channels"].append({"runtime": runtime, "batch_size": size, "networks": of_each})
        print(runtime, size, f"n={found['dense'].n}", {name: round(of.faster, 2) for name, of in found.items()})
    RESULT.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
