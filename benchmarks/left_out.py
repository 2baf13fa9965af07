"""How much faster a sparse level trains where what its mask cut off is left out: LeNet-300-100 on MNIST, one thread.

    WINNOW_DATA=... .venv/bin/python benchmarks/left_out.py [--pairs 7] [--updates 600]

Walks the ladder of Frankle & Carbin 2018 with levels of 600 updates for real masks, then trains levels on them in
turns: dense, the level on the whole network, the level with its dead inputs and units left out; updates per second.
Writes benchmarks/results/left_out.json.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from training_speed import machine

from ticketing.architectures import arguments_for
from ticketing.counts import groups, kept_counts
from ticketing.data.dataset import Dataset
from ticketing.execution import settle
from ticketing.folder import Execution, ModelSpec
from ticketing.lean import Lean, lean
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.recipe import Iterative, Training
from ticketing.scope import select
from ticketing.subject import Subject, load_subject
from ticketing.training import Trained, train

RESULT = Path(__file__).parent / "results" / "left_out.json"
TIMED = (7, 10, 14, 17, 20)


def mnist(folder: Path) -> Dataset:
    """Normalise MNIST; the last 5,000 training images are validation."""
    with np.load(folder / "mnist.npz", allow_pickle=False) as file:
        x, y = file["x_train"].reshape(60_000, -1).astype(np.float32), file["y_train"].astype(np.int64)
    images, labels = torch.from_numpy((x - x.mean()) / x.std()), torch.from_numpy(y)
    held = (images[55_000:], labels[55_000:])
    return Dataset(images[:55_000], labels[:55_000], *held, *held, classes=10, name="mnist", fingerprint="")


def trained(subject: Subject, data: Dataset, training: Training, network: Lean, start: Mapping[str, Tensor]) -> Trained:
    return train(
        network.module,
        network.shrunk(start),
        data=data,
        training=training,
        mask=network.mask,
        order_seed=0,
        observer=RecordingObserver(),
    )


def masks(subject: Subject, data: Dataset, training: Training) -> list[Mask]:
    """Walk the ladder: level k was pruned k times."""
    recipe = Iterative(search="iterative", levels=20, rate={"default": 0.2, "output": 0.1})
    found = [Mask.full(subject.shapes)]
    for counts in kept_counts(subject.inventory, recipe)[1:]:
        whole = Lean(subject.module, found[-1], {})
        final = trained(subject, data, training, whole, subject.initial_state).final
        scores = {name: final[name].abs() for name in subject.shapes}
        found.append(select(scores, counts, groups(subject.inventory, recipe), within=found[-1]))
    return found


def measure(subject: Subject, data: Dataset, training: Training, mask: Mask, *, pairs: int) -> dict[str, Any]:
    """Time dense, whole and lean in turns; the first turn is thrown away."""
    networks = {
        "dense": Lean(subject.module, Mask.full(subject.shapes), {}),
        "whole": Lean(subject.module, mask, {}),
        "left_out": lean(subject.module, mask, decays=False),
    }
    updates = training.length.count
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(pairs + 1):
        for name, network in networks.items():
            began = time.perf_counter()
            trained(subject, data, training, network, subject.initial_state)
            seconds[name].append(time.perf_counter() - began)
    rates = {name: [updates / s for s in found[1:]] for name, found in seconds.items()}
    shapes = [tuple(kept.shape) for kept in networks["left_out"].mask.values()]
    executed = sum(rows * columns for rows, columns in shapes)
    return {
        "density": mask.density,
        "left_in": {"units": [shapes[0][1], *(rows for rows, _ in shapes)], "multiply_adds": executed / mask.total},
        "updates_per_second": {name: round(statistics.median(found), 1) for name, found in rates.items()},
        "over_dense": round(
            statistics.median(a / b for a, b in zip(rates["left_out"], rates["dense"], strict=True)), 3
        ),
        "over_whole": round(
            statistics.median(a / b for a, b in zip(rates["left_out"], rates["whole"], strict=True)), 3
        ),
        "n": pairs,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--updates", type=int, default=600)
    options = parser.parse_args()
    if "WINNOW_DATA" not in os.environ:
        parser.error("expected WINNOW_DATA to name the folder that holds mnist.npz")
    settle(Execution(threads=1), deterministic=True)
    arguments = arguments_for("lenet-300-100", {})
    subject = load_subject(ModelSpec(architecture="lenet-300-100", arguments=arguments, seed=0))
    data = mnist(Path(os.environ["WINNOW_DATA"]))
    training = Training.model_validate(
        {
            "length": f"{options.updates}it",
            "batch_size": 60,
            "optimizer": {"name": "adam", "learning_rate": 1.2e-3},
            "evaluate_every": "100it",
        }
    )
    ladder, rows = masks(subject, data, training), {}
    for level in TIMED:
        rows[level] = measure(subject, data, training, ladder[level], pairs=options.pairs)
        print(level, rows[level], flush=True)
    command = f"WINNOW_DATA=... python benchmarks/left_out.py --pairs {options.pairs} --updates {options.updates}"
    RESULT.write_text(json.dumps({"command": command, "machine": machine(), "levels": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
