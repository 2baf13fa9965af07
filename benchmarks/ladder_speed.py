"""How fast the whole ladder is beside a bare loop: LeNet-300-100 on MNIST, 21 trainings, one thread, in turns.

    WINNOW_DATA=... .venv/bin/python benchmarks/ladder_speed.py [--pairs 3] [--updates 2000] [--levels 20]

Ours is a run as a worker starts it, from the folder to the verified files of `out/`, without a certificate. The bare
ladder is the loop of `bare_loop.py` for every level on dense matrices, with evaluations of the same examples; between
two levels it removes the smallest weights and rewinds. It reads, checks, says and writes nothing.
Writes benchmarks/results/ladder_speed.json: CPU seconds per level and in all, which other work on the machine
disturbs less than the time of the clock.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from bare_loop import bare_loop
from torch import Tensor, nn
from training_speed import machine

from ticketing.architectures import arguments_for
from ticketing.data.canonical import Summary, load_canonical
from ticketing.data.inspection import inspect_upload
from ticketing.data.preparation import prepare
from ticketing.folder import DATA, RECIPE, RUN, DataSpec, Execution, ModelSpec, RunSpec
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import resolve
from ticketing.recipe import AnyRecipe
from ticketing.runs.execution import settle
from ticketing.runs.run import run
from ticketing.subject import load_subject, placed

RESULT = Path(__file__).parent / "results" / "ladder_speed.json"
RATES = {"default": 0.2, "output": 0.1}
MODEL = ModelSpec(architecture="lenet-300-100", arguments=arguments_for("lenet-300-100", {}), seed=0)


def ours(data: Path, summary: Summary, recipe: AnyRecipe) -> tuple[float, list[float]]:
    """Give the seconds of a whole run, and those of the trainings of its levels."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("model", "data", "checkpoint", "tmp", "out"):
            (folder / part).mkdir()
        (folder / DATA).symlink_to(data)
        spec = RunSpec(
            model=MODEL,
            data=DataSpec(name=summary.name, fingerprint=summary.fingerprint),
            execution=Execution(threads=1),
            labels={},
        )
        (folder / RECIPE).write_text(recipe.model_dump_json())
        (folder / RUN).write_text(spec.model_dump_json())
        observer, began = RecordingObserver(), time.process_time()
        run(folder, spec, observer=observer, clock=time.process_time)
        return time.process_time() - began, [said["seconds"] for said in observer.of_type("level_completed")]


def bare(splits: tuple[Tensor, ...], start: Mapping[str, Tensor], recipe: AnyRecipe, levels: int) -> list[float]:
    """Give the seconds of every level of the bare ladder."""
    network, seconds = placed(load_subject(MODEL).module, start, device="cpu"), []
    layers = [layer for layer in network.children() if isinstance(layer, nn.Linear)]
    masks = [torch.ones_like(layer.weight) for layer in layers]
    rates = [RATES["default"]] * (len(layers) - 1) + [RATES["output"]]
    for _ in range(levels + 1):
        began = time.process_time()
        network.load_state_dict(start)
        with torch.no_grad():
            for layer, mask in zip(layers, masks, strict=True):
                layer.weight *= mask
        updates, every = recipe.training.length.count, recipe.training.evaluate_every.count
        bare_loop(network, *splits, masks, updates=updates, batch=60, adam=True, bf16=False, every=every)
        with torch.inference_mode():  # the train error, once a level
            for x in splits[0].split(100):
                network(x)
        for layer, mask, rate in zip(layers, masks, rates, strict=True):
            removed = round(rate * int(mask.sum()))
            scores = torch.where(mask > 0, layer.weight.detach().abs(), torch.inf).flatten()
            mask.view(-1)[scores.topk(removed, largest=False).indices] = 0
        seconds.append(time.process_time() - began)
    return seconds


def medians(pairs: list[list[float]]) -> list[float]:
    return [round(statistics.median(column), 3) for column in zip(*pairs, strict=True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--levels", type=int, default=20)
    options = parser.parse_args()
    if "WINNOW_DATA" not in os.environ:
        parser.error("expected WINNOW_DATA to name the folder that holds mnist.npz")
    settle(Execution(threads=1), deterministic=True)
    asked: dict[str, Any] = {
        "search": "iterative",
        "levels": options.levels,
        "rate": RATES,
        "training": {
            "length": f"{options.updates}it",
            "batch_size": 60,
            "optimizer": {"name": "adam", "learning_rate": 1.2e-3},
            "evaluate_every": "100it",
        },
        "evidence": "none",
    }
    recipe = resolve(
        asked, architecture=MODEL.architecture, uploaded=False, weights="initial", device_kind="cpu", seed=0
    )
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "data.safetensors"
        summary = inspect_upload(Path(os.environ["WINNOW_DATA"]) / "mnist.npz", file, name="mnist")
        data = prepare(
            load_canonical(file), recipe=recipe, weights="initial", device=torch.device("cpu"), channels_last=False
        )
        splits = (data.x_train.flatten(1), data.y_train, data.x_validation.flatten(1), data.y_validation)
        start = load_subject(MODEL).initial_state
        whole, levels, loops = [], [], []
        for number in range(options.pairs):
            loops.append(bare(splits, start, recipe, options.levels))
            all_of_it, each = ours(file, summary, recipe)
            whole.append(all_of_it)
            levels.append(each)
            print(f"pair {number}: bare {sum(loops[-1]):.1f} s, ours {all_of_it:.1f} s", flush=True)
    result = {
        "command": f"WINNOW_DATA=... python {' '.join(sys.argv)}",
        "machine": machine(),
        "n": options.pairs,
        "bare_cpu_seconds": medians(loops),
        "level_cpu_seconds": medians(levels),
        "whole_cpu_seconds": {
            "bare": [round(sum(loop), 2) for loop in loops],
            "ours": [round(seconds, 2) for seconds in whole],
        },
        "level_ratio": medians(
            [[b / o for b, o in zip(loop, each, strict=True)] for loop, each in zip(loops, levels, strict=True)]
        ),
        "whole_ratio": round(statistics.median(sum(b) / o for b, o in zip(loops, whole, strict=True)), 3),
        "of_the_dense_level": medians([[each[0] / seconds for seconds in each] for each in levels]),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: result[name] for name in ("level_ratio", "whole_ratio", "of_the_dense_level")}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
