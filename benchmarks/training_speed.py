"""How fast the engine's training loop is beside the bare one: updates per second, interleaved in one process.

    python benchmarks/training_speed.py [--pairs 7] [--output benchmarks/results/training_speed.json]

Both train the same network from the same weights on the same arrays (random, of the shapes of MNIST and CIFAR-10) on
one thread, every weight under a mask that keeps half. Both are timed as a caller sees them, from a network on the
meta device or in memory to the trained weights. The engine is called as a run calls it: with an observer that writes
progress, and a checkpoint every 300 s.
"""

import argparse
import io
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from bare_loop import bare_loop

from ticketing.architectures import arguments_for
from ticketing.data import Dataset
from ticketing.folder import Execution, ModelSpec
from ticketing.mask import Mask
from ticketing.observer import StreamObserver
from ticketing.recipe import Training
from ticketing.runs.execution import settle
from ticketing.subject import Subject, load_subject, placed
from ticketing.training.loop import Checkpointing, train


@dataclass(frozen=True)
class Case:
    """One setting both loops are timed in."""

    name: str
    architecture: str
    batch: int
    precision: str
    updates: int
    every: int
    """Updates between evaluations, where there are any."""
    validation: int
    """Examples of an evaluation; for ResNet-20 as many per update as one evaluation an epoch costs on CIFAR-10."""


CASES = (
    Case("lenet-300-100 batch 60", "lenet-300-100", 60, "fp32", 1500, 100, 5000),
    Case("lenet-300-100 batch 128", "lenet-300-100", 128, "fp32", 900, 100, 5000),
    Case("resnet-20 batch 128 fp32 channels_last", "resnet-20", 128, "fp32", 12, 12, 128),
    Case("resnet-20 batch 128 bf16 channels_last", "resnet-20", 128, "bf16", 16, 16, 171),
)
TRAIN_EXAMPLES = 6000
SMALLEST_VALIDATION = 10
"""The engine always evaluates once, at the end; without evaluation that is on so few examples."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/training_speed.json"))
    parser.add_argument("--only", default="", help="Measure the cases whose name holds this; nothing is written.")
    arguments = parser.parse_args()
    settle(Execution(threads=1), deterministic=True)
    results = []
    for case in (case for case in CASES if arguments.only in case.name):
        for evaluating in (False, True):
            results.append(measure(case, evaluating=evaluating, pairs=arguments.pairs))
            shown = results[-1]
            print(
                f"{case.name:42} {'with' if evaluating else 'no'} evaluation  bare {shown['bare_median']:8.2f}/s  ",
                end="",
            )
            print(f"engine {shown['engine_median']:8.2f}/s  ratio {shown['ratio']:.3f}  n = {shown['n']}", flush=True)
    if arguments.only:
        return
    written = {"command": "python benchmarks/training_speed.py", "machine": machine(), "results": results}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(written, indent=2) + "\n")


def measure(case: Case, *, evaluating: bool, pairs: int) -> dict[str, object]:
    """Time both loops in turns; one warm-up of each is thrown away."""
    spec = ModelSpec(architecture=case.architecture, arguments=arguments_for(case.architecture, {}), seed=0)
    subject = load_subject(spec)
    data = made_data(subject, case)
    generator = torch.Generator().manual_seed(1)
    mask = Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})
    bare = partial(time_bare, case, subject, data, mask, evaluating=evaluating)
    engine = partial(time_engine, case, subject, data, mask, evaluating=evaluating)
    rates: list[tuple[float, float]] = [(bare(), engine()) for _ in range(pairs + 1)][1:]
    return {
        "case": asdict(case),
        "evaluating": evaluating,
        "n": pairs,
        "bare_updates_per_second": [round(b, 3) for b, _ in rates],
        "engine_updates_per_second": [round(e, 3) for _, e in rates],
        "bare_median": round(statistics.median(b for b, _ in rates), 3),
        "engine_median": round(statistics.median(e for _, e in rates), 3),
        "ratio": round(statistics.median(e / b for b, e in rates), 4),
    }


def made_data(subject: Subject, case: Case) -> Dataset:
    generator = torch.Generator().manual_seed(0)
    dtype = torch.bfloat16 if case.precision == "bf16" else torch.float32
    x = torch.randn(TRAIN_EXAMPLES + case.validation, *subject.inventory.input_shape, generator=generator).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last) if subject.inventory.convolutional else x.flatten(1)
    y = torch.randint(0, 10, (len(x),), generator=generator)
    held = slice(TRAIN_EXAMPLES, None)
    kept = slice(0, TRAIN_EXAMPLES)
    return Dataset(x[kept], y[kept], x[held], y[held], x[held], y[held], classes=10, name="random", fingerprint="")


def time_bare(case: Case, subject: Subject, data: Dataset, mask: Mask, *, evaluating: bool) -> float:
    network = placed(subject.module, subject.initial_state, device="cpu")
    splits = (data.x_train, data.y_train, data.x_validation, data.y_validation)
    return timed(
        case.updates,
        lambda: bare_loop(
            network,
            *splits,
            list(mask.values()),
            updates=case.updates,
            batch=case.batch,
            adam=case.architecture != "resnet-20",
            bf16=case.precision == "bf16",
            every=case.every if evaluating else 0,
        ),
    )


def time_engine(case: Case, subject: Subject, data: Dataset, mask: Mask, *, evaluating: bool) -> float:
    sgd = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 2e-4}
    training = Training.model_validate(
        {
            "length": f"{case.updates}it",
            "batch_size": case.batch,
            "optimizer": sgd if case.architecture == "resnet-20" else {"name": "adam", "learning_rate": 1.2e-3},
            "precision": case.precision,
            "evaluate_every": f"{case.every if evaluating else case.updates}it",
        }
    )
    if not evaluating:
        few = slice(0, SMALLEST_VALIDATION)
        x, y = data.x_validation[few], data.y_validation[few]
        data = Dataset(data.x_train, data.y_train, x, y, x, y, classes=10, name="random", fingerprint="")
    observer = StreamObserver(io.BytesIO(), stop_requested=lambda: False, clock=time.monotonic)
    saving = Checkpointing(save=lambda state: None, every_seconds=300, clock=time.monotonic)
    return timed(
        case.updates,
        lambda: train(
            subject.module,
            subject.initial_state,
            data=data,
            training=training,
            mask=mask,
            order_seed=0,
            observer=observer,
            checkpointing=saving,
        ),
    )


def timed(updates: int, training: Callable[[], object]) -> float:
    """Give updates per second of a whole call."""
    started = time.perf_counter()
    training()
    return updates / (time.perf_counter() - started)


def machine() -> dict[str, object]:
    """Say what the figures hold for."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


if __name__ == "__main__":
    main()
