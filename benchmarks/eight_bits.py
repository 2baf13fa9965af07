"""How far the channels chosen by an 8-bit search lie from those of an fp32 one that began alike: ResNet-20, CIFAR-10.

    WINNOW_DATA=... .venv/bin/python benchmarks/eight_bits.py [--seeds 0 1] [--examples 10000] [--epochs 6]

Beside them a third search, fp32 on the same initialisation in another order of examples: what chance alone moves. The
search is that of `early_bird` (SGD 0.1, momentum 0.9, weight decay and L1 1e-4, batches of 128, scales from 0.5), the
masks of every epoch are compared. Writes benchmarks/results/eight_bits.json after every seed, and goes on behind those
that it holds.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from training_speed import machine

from ticketing.architectures import arguments_for
from ticketing.channels import channels_of
from ticketing.channels.distances import distance
from ticketing.channels.ranking import keep_best
from ticketing.channels.scales import scales_of
from ticketing.data.canonical import load_canonical
from ticketing.data.inspection import inspect_upload
from ticketing.data.preparation import prepare
from ticketing.folder import ModelSpec
from ticketing.ladder.early_bird import distance_by_chance
from ticketing.observer import RecordingObserver
from ticketing.recipe import EarlyBird
from ticketing.step import iterations_per_epoch
from ticketing.subject import load_subject
from ticketing.training.loop import train
from ticketing.training.watching import Seen, Watch

sys.path.insert(0, str(Path(__file__).parent / "reproduce"))
from campaign import unpacked

RESULT = Path(__file__).parent / "results" / "eight_bits.json"
SHARES = (0.3, 0.5, 0.7)
SEARCHES = {"fp32": (False, 0), "int8": (True, 0), "fp32, another order": (False, 1)}
"""By name: whether in 8 bits, and which order of examples."""


def recipe(epochs: int) -> EarlyBird:
    optimizer = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0001}
    training = {"length": f"{epochs}ep", "batch_size": 128, "optimizer": optimizer, "schedule": {"name": "constant"}}
    return EarlyBird.model_validate({"search": "early_bird", "training": training | {"evaluate_every": "1ep"}})


def data_of(examples: int, asked: EarlyBird) -> Any:
    """Prepare the first examples of CIFAR-10."""
    with (
        tempfile.TemporaryDirectory() as folder,
        unpacked(Path(os.environ["WINNOW_DATA"]) / "cifar10.npz") as file,
    ):
        arrays = np.load(file)
        cut = {name: arrays[name][:examples] for name in ("x_train", "y_train", "x_test", "y_test")}
        np.savez(Path(folder) / "cut.npz", **cut)
        canonical = Path(folder) / "data.safetensors"
        inspect_upload(Path(folder) / "cut.npz", canonical, name="cifar10")
        return prepare(load_canonical(canonical), recipe=asked, weights="initial", device="cpu", channels_last=True)


def searched(seed: int, data: Any, asked: EarlyBird, *, int8: bool, order: int) -> dict[str, Any]:
    """Run one search, and give which channels every share keeps after every epoch."""
    arguments = arguments_for("resnet-20", {}, data_shape=data.shape, classes=data.classes)
    subject = load_subject(ModelSpec(architecture="resnet-20", arguments=arguments, seed=seed))
    channels = channels_of(subject.module, subject.inventory)
    scales = scales_of(subject.inventory, channels)
    ranked, names = scales.ranked.numpy(), scales.names
    masks: list[list[Any]] = []

    def look(step: int, weights: Mapping[str, Tensor]) -> Seen:
        scores = scales.scores(weights)
        masks.append([keep_best(scores, channels, sparsity=share).kept.numpy()[ranked] for share in SHARES])
        return Seen()

    begun = time.process_time()
    start = {n: torch.full_like(t, asked.initial_scale) if n in names else t for n, t in subject.initial_state.items()}
    per_epoch = iterations_per_epoch(len(data.y_train), asked.training.batch_size)
    trained = train(
        subject.module,
        start,
        data=data,
        training=asked.training,
        order_seed=1000 * seed + order,
        observer=RecordingObserver(),
        watch=Watch(per_epoch, names, look, pull=asked.l1),
        block_floating=int8,
    )
    accuracy = [point.accuracy for point in trained.curve]
    return {"masks": masks, "validation_accuracy": accuracy, "cpu_seconds": time.process_time() - begun}


def compared(seed: int, data: Any, asked: EarlyBird) -> dict[str, Any]:
    """Run the three searches of a seed, and give by share and epoch how far the others lie from the first."""
    found = {name: searched(seed, data, asked, int8=i, order=o) for name, (i, o) in SEARCHES.items()}
    first = found["fp32"]["masks"]
    apart = {
        name: {
            str(share): [distance(a[at], b[at]) for a, b in zip(first, other["masks"], strict=True)]
            for at, share in enumerate(SHARES)
        }
        for name, other in found.items()
    }
    told = {name: {key: of[key] for key in ("validation_accuracy", "cpu_seconds")} for name, of in found.items()}
    return {"distance_from_fp32": {name: apart[name] for name in list(SEARCHES)[1:]}, "searches": told}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    asked = recipe(options.epochs)
    about = {"examples": options.examples, "epochs": options.epochs, "training": asked.training.model_dump(mode="json")}
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    seeds = kept["seeds"] if kept.get("about") == about else {}
    data = data_of(options.examples, asked)
    for seed in options.seeds:
        if str(seed) not in seeds:
            seeds[str(seed)] = compared(seed, data, asked)
            chance = {str(share): distance_by_chance(share) for share in SHARES}
            result = {"about": about, "machine": machine(), "distance_by_chance": chance, "seeds": seeds}
            RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
