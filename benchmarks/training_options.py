"""What each option of a training costs: CPU time of an update with it beside a plain one, in turns in one process.

    python benchmarks/training_options.py [--only NAME] [--output benchmarks/results/training_options.json]

All train the same network from the same weights on the same arrays (random, of the shapes of MNIST and CIFAR-10) on
one thread, every weight under a mask that keeps half: an update of the plain training, one of each option, and again.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from training_speed import CASES, Case, machine, made_data

from ticketing.architectures import arguments_for
from ticketing.data import Dataset
from ticketing.folder import Execution, ModelSpec
from ticketing.mask import Mask
from ticketing.recipe import Training
from ticketing.runs.execution import settle
from ticketing.subject import load_subject
from ticketing.training.trainee import Trainee

ROUNDS = {"lenet-300-100 batch 60": 400, "resnet-20 batch 128 fp32 channels_last": 12}
WARM_UP = 2
"""Rounds thrown away."""
DECAY = {"weight_decay": 2e-4, "weight_decay_on": "weights"}
OPTIONS: dict[str, dict[str, Any]] = {
    "flip": {"augment": "flip"},
    "crop": {"augment": "crop"},
    "flip_crop": {"augment": "flip_crop"},
    "cutout": {"augment": "cutout"},
    "label_smoothing": {"label_smoothing": 0.1},
    "gradient_clip": {"gradient_clip": 1.0},
    "ema": {"ema": {"decay": 0.999}},
    "weight_decay_on weights": {"optimizer": DECAY},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/training_options.json"))
    parser.add_argument("--only", default="", help="Measure the networks whose name holds this; nothing is written.")
    arguments = parser.parse_args()
    settle(Execution(threads=1), deterministic=True)
    results = []
    for case in (case for case in CASES if case.name in ROUNDS and arguments.only in case.name):
        results.append(measure(case, rounds=ROUNDS[case.name]))
        print(json.dumps(results[-1]), flush=True)
    if arguments.only:
        return
    written = {"command": "python benchmarks/training_options.py", "machine": machine(), "results": results}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(written, indent=2) + "\n")


def measure(case: Case, *, rounds: int) -> dict[str, Any]:
    """Give the median CPU milliseconds of an update, plain and with each option."""
    spec = ModelSpec(architecture=case.architecture, arguments=arguments_for(case.architecture, {}), seed=0)
    subject = load_subject(spec)
    data = made_data(subject, case)
    images = data.x_train.reshape(-1, *subject.inventory.input_shape) if data.x_train.dim() == 2 else data.x_train
    few = slice(0, 10)
    x, y = images[few], data.y_train[few]
    data = Dataset(images, data.y_train, x, y, x, y, classes=10, name="random", fingerprint="")
    generator = torch.Generator().manual_seed(1)
    mask = Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})
    sgd = {"name": "sgd", "learning_rate": 0.01, "nesterov": True, "weight_decay": 2e-4}
    plain = {"batch_size": case.batch, "precision": case.precision, "optimizer": sgd}
    trainees = {
        name: Trainee(
            subject.module,
            mask.applied_to(subject.initial_state),
            data,
            Training.model_validate(plain | option | {"optimizer": sgd | option.get("optimizer", {})}),
            mask,
            0,
        )
        for name, option in ({"plain": {}} | OPTIONS).items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in trainees}
    for _ in range(WARM_UP + rounds):
        for name, trainee in trainees.items():
            # Of the processor, not of the clock: one thread, on a machine that others may be using.
            started = time.process_time()
            trainee.update(0.01)
            seconds[name].append(time.process_time() - started)
    medians = {name: statistics.median(found[WARM_UP:]) for name, found in seconds.items()}
    return {
        "network": case.name,
        "n": rounds,
        "milliseconds": {name: round(1000 * median, 3) for name, median in medians.items()},
        "cost": {name: round(median / medians["plain"] - 1, 4) for name, median in medians.items() if name != "plain"},
    }


if __name__ == "__main__":
    main()
