"""What short levels cost and save: finalists of full and of short searches side by side, on one network.

    .venv/bin/python benchmarks/level_length.py --data mnist.npz --architecture lenet-300-100 --length 5000it \
        --short 600it 1500it --at 7 12 --seeds 3

One search per level length, each with `--seeds` replicates that have their own initialisation. The finalists (dense,
ticket and reinit) train `--length` in an order no search saw. Interrupt it as you like: every search goes on from its
last checkpoint in --home, and one that is done is read. Writes benchmarks/results/level_length_<architecture>.json:
per length and level the difference of its finalists from those of full levels, paired by seed, beside the mask overlap
|A and B| / |A| and the updates of the search.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from ticketing.architectures import arguments_for
from ticketing.data.inspection import inspect_builtin, inspect_upload
from ticketing.folder import CHECKPOINTS, DATA, OUT, RECIPE, RUN, DataSpec, ModelSpec, RunSpec
from ticketing.journal.checkpoint import read_checkpoint
from ticketing.observer import StreamObserver
from ticketing.plans.parsing import merge, resolve
from ticketing.runs.run import run

RESULTS = Path(__file__).parent / "results"


def lay_out(folder: Path, asked: argparse.Namespace, level_length: str) -> RunSpec:
    """Prepare the folder of one search, or find it as an earlier call left it."""
    data = asked.home / "data.safetensors"
    data.parent.mkdir(parents=True, exist_ok=True)
    builtin = asked.data.startswith("builtin:")
    summary = (
        inspect_builtin(asked.data, data)
        if builtin
        else inspect_upload(Path(asked.data), data, name=Path(asked.data).stem)
    )
    own = {
        "search": "iterative",
        "levels": max(asked.at),
        "level_length": level_length,
        "training": {"length": asked.length},
        "evidence": {"replicates": asked.seeds, "controls": ["reinit"], "levels": asked.at},
    }
    words = {"architecture": asked.architecture, "uploaded": False, "weights": "initial", "device_kind": "cpu"}
    recipe = resolve(merge(own, json.loads(asked.recipe)), **words, seed=0)
    arguments = arguments_for(asked.architecture, {}, data_shape=summary.shape, classes=summary.classes)
    spec = RunSpec(
        model=ModelSpec(architecture=asked.architecture, arguments=arguments, seed=0),
        data=DataSpec(name=summary.name, fingerprint=summary.fingerprint),
    )
    (folder / DATA).parent.mkdir(parents=True, exist_ok=True)
    (folder / DATA).unlink(missing_ok=True)
    (folder / DATA).symlink_to(data.resolve())
    (folder / RECIPE).write_text(recipe.model_dump_json())
    (folder / RUN).write_text(spec.model_dump_json())
    return spec


def searched(asked: argparse.Namespace, level_length: str) -> Path:
    """Give the folder of a finished search."""
    folder = asked.home / f"{asked.architecture}-{asked.length}-{level_length}"
    if not (folder / OUT / "SHA256SUMS").exists():
        spec = lay_out(folder, asked, level_length)
        told = StreamObserver(
            sys.stderr.buffer, stop_requested=lambda: False, clock=time.monotonic, progress_seconds=60
        )
        run(folder, spec, observer=told, clock=time.monotonic)
    return folder


def masks(folder: Path, level: int, seeds: int) -> list[np.ndarray[Any, Any]]:
    """Read the mask of a level in every search from the run's newest checkpoint, as one row of bits each."""
    newest = max((folder / CHECKPOINTS).glob("*.done"))
    content = read_checkpoint(newest.with_suffix(".safetensors"), sha256=newest.read_text().strip())
    return [np.unpackbits(content.tensors[f"mask/{r}/{level}"]["bits"].numpy()) for r in range(seeds)]


def rows(asked: argparse.Namespace, folders: dict[str, Path]) -> list[dict[str, Any]]:
    """Compare every short search with the full one."""
    reports = {length: json.loads((folder / OUT / "report.json").read_bytes()) for length, folder in folders.items()}
    full, made = reports["full"], []
    for length in asked.short:
        for level in asked.at:
            short_row, full_row = (report["levels"][level] for report in (reports[length], full))
            pairs = zip(short_row["test"]["ticket"]["values"], full_row["test"]["ticket"]["values"], strict=True)
            drawn = zip(*(masks(folders[name], level, asked.seeds) for name in (length, "full")), strict=True)
            overlaps = [float((a & b).sum() / a.sum()) for a, b in drawn]
            of_search, at_full = (report["cost"]["search_updates"] for report in (reports[length], full))
            made.append(
                {
                    "level_length": length,
                    "level": level,
                    "density": short_row["density"],
                    "n": asked.seeds,
                    "difference_points": [round(100 * (short - whole), 3) for short, whole in pairs],
                    "reinit_points": [round(100 * value, 3) for value in short_row["test"]["reinit"]["values"]],
                    "full_points": [round(100 * value, 3) for value in full_row["test"]["ticket"]["values"]],
                    "mask_overlap": [round(overlap, 4) for overlap in overlaps],
                    "search_updates": of_search,
                    "search_updates_at_full_length": at_full,
                }
            )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="lenet-300-100")
    parser.add_argument("--data", default="builtin:digits", help="builtin:digits, or an .npz as jobs upload it")
    parser.add_argument("--length", default="5000it", help="of a finalist")
    parser.add_argument("--short", nargs="+", default=["600it", "1500it", "early_stop"], help="lengths of a level")
    parser.add_argument("--at", nargs="+", type=int, default=[7, 12], help="levels to compare")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", default="{}", help="JSON laid over the recipe")
    parser.add_argument("--home", type=Path, default=Path("demo-home/level-length"))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    folders = {length: searched(asked, length) for length in ("full", *asked.short)}
    table = rows(asked, folders)
    words = [Path(word).name if word == asked.data else word for word in sys.argv[1:] if word != "--home"]
    command = f"python benchmarks/level_length.py {' '.join(word for word in words if word != str(asked.home))}"
    out = asked.out or RESULTS / f"level_length_{asked.architecture}.json"
    out.write_text(json.dumps({"command": command, "length": asked.length, "rows": table}, indent=1) + "\n")
    for row in table:
        print(f"{row['level_length']:>10} level {row['level']:2d}: {mean(row['difference_points']):+.2f} points")


if __name__ == "__main__":
    main()
