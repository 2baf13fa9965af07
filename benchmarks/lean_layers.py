"""At which density it pays to train the kept entries alone: LeNet-300-100, batches of 60, one thread, in turns.

    .venv/bin/python benchmarks/lean_layers.py [--rounds 25]

Every network is updated 60 times a round, the dense one among them; a ratio is of one round. Adds to
benchmarks/results/lean_layers.json, under the vector instructions of this machine, how many times as fast as the dense
update each is: the median and the quartiles over the rounds.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median, quantiles

import torch
from training_speed import CASES, machine, made_data

from ticketing.architectures import arguments_for
from ticketing.folder import Execution, ModelSpec
from ticketing.mask import Mask
from ticketing.recipe import Training
from ticketing.runs.execution import settle
from ticketing.subject import load_subject
from ticketing.training.lean import lean
from ticketing.training.trainee import Trainee

RESULT = Path(__file__).parent / "results" / "lean_layers.json"
SUBJECT = load_subject(ModelSpec(architecture="lenet-300-100", arguments=arguments_for("lenet-300-100", {}), seed=0))
LAYERS = ("fc1.weight", "fc2.weight")
DENSITIES = (0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.02, 0.01)
UPDATES, RATE = 60, 0.0012
TRAINING = Training.model_validate(
    {"length": "1000000it", "batch_size": 60, "optimizer": {"name": "adam", "learning_rate": RATE}}
)


def trainee(density: float | None) -> Trainee:
    """Begin a training that keeps so much of both large layers, as their kept entries alone; None is dense."""
    data = made_data(SUBJECT, CASES[0])
    if density is None:
        return Trainee(SUBJECT.module, SUBJECT.initial_state, data, TRAINING, None, 0)
    generator = torch.Generator().manual_seed(1)
    kept = {name: torch.rand(SUBJECT.shapes[name], generator=generator) < density for name in LAYERS}
    mask = Mask({**Mask.full(SUBJECT.shapes), **kept})
    form = lean(SUBJECT.module, mask, LAYERS)
    start = form.as_trained(mask.applied_to(SUBJECT.initial_state))
    return Trainee(form.module, start, data, TRAINING, form.mask, 0)


def seconds(of: Trainee) -> float:
    """Time some updates by the processor's clock, which other work disturbs less than that of the wall."""
    begun = time.process_time()
    for _ in range(UPDATES):
        of.update(RATE)
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    asked = parser.parse_args()
    settle(Execution(threads=1), deterministic=True)
    dense, others = trainee(None), {density: trainee(density) for density in DENSITIES}
    ratios: dict[float, list[float]] = {density: [] for density in DENSITIES}
    for _ in range(asked.rounds):
        whole = seconds(dense)
        for density, one in others.items():
            ratios[density].append(whole / seconds(one))
    found = {}
    for density, values in ratios.items():
        low, _, high = quantiles(values, n=4)
        found[str(density)] = {"faster": round(median(values), 3), "quartiles": [round(low, 3), round(high, 3)]}
        print(f"{density:5.2f} kept  {median(values):.2f} times as fast as dense  [{low:.2f}, {high:.2f}]")
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    capability = torch.backends.cpu.get_cpu_capability()
    kept[capability] = {"machine": machine(), "rounds": asked.rounds, "updates": UPDATES, "densities": found}
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
