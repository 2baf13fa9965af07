"""What each option of a training costs: CPU seconds with it over those without, in turns in one process.

    python benchmarks/training_options.py [--pairs 5] [--output benchmarks/results/training_options.json]

The engine trains the same network from the same weights on the same arrays (random, of the shapes of MNIST and
CIFAR-10) on one thread, every weight under a mask that keeps half, with one evaluation of few examples at the end.
The first training of each option is thrown away.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from training_speed import CASES, SMALLEST_VALIDATION, Case, machine, made_data

from ticketing.architectures import arguments_for
from ticketing.data import Dataset
from ticketing.execution import settle
from ticketing.folder import Execution, ModelSpec
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.recipe import Training
from ticketing.subject import load_subject
from ticketing.training import train

NETWORKS = (
    "lenet-300-100 batch 60",
    "resnet-20 batch 128 fp32 channels_last",
    "resnet-20 batch 128 bf16 channels_last",
)
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
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/training_options.json"))
    arguments = parser.parse_args()
    settle(Execution(threads=1), deterministic=True)
    results = []
    for case in (case for case in CASES if case.name in NETWORKS):
        results.append(measure(case, pairs=arguments.pairs))
        print(case.name, json.dumps(results[-1]["cost"]), flush=True)
    written = {"command": "python benchmarks/training_options.py", "machine": machine(), "results": results}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(written, indent=2) + "\n")


def measure(case: Case, *, pairs: int) -> dict[str, Any]:
    """Time every option beside a plain training of its own, and give the median ratio less one."""
    spec = ModelSpec(architecture=case.architecture, arguments=arguments_for(case.architecture, {}), seed=0)
    subject = load_subject(spec)
    data = made_data(subject, case)
    few = slice(0, SMALLEST_VALIDATION)
    x, y = data.x_validation[few], data.y_validation[few]
    x_train = data.x_train if data.x_train.dim() == 4 else data.x_train.reshape(-1, *subject.inventory.input_shape)
    data = Dataset(x_train, data.y_train, x, y, x, y, classes=10, name="random", fingerprint="")
    generator = torch.Generator().manual_seed(1)
    mask = Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})
    plain: dict[str, Any] = {
        "length": f"{case.updates}it",
        "batch_size": case.batch,
        "evaluate_every": f"{case.updates}it",
        "precision": case.precision,
        "optimizer": {"name": "sgd", "learning_rate": 0.01, "nesterov": True, "weight_decay": 2e-4},
    }

    def seconds(option: dict[str, Any]) -> float:
        fields = plain | option
        fields["optimizer"] = plain["optimizer"] | option.get("optimizer", {})
        training = Training.model_validate(fields)
        # Of the processor, not of the clock: one thread, on a machine that others may be using.
        started = time.process_time()
        train(
            subject.module,
            subject.initial_state,
            data=data,
            training=training,
            mask=mask,
            order_seed=0,
            observer=RecordingObserver(),
        )
        return time.process_time() - started

    rounds = [{name: seconds(option) for name, option in ({"plain": {}} | OPTIONS).items()} for _ in range(pairs + 1)]
    ratios = {name: [found[name] / found["plain"] for found in rounds[1:]] for name in OPTIONS}
    return {
        "network": case.name,
        "updates": case.updates,
        "n": pairs,
        "cost": {name: round(statistics.median(found) - 1, 4) for name, found in ratios.items()},
        "ratios": {name: [round(ratio, 4) for ratio in found] for name, found in ratios.items()},
    }


if __name__ == "__main__":
    main()
