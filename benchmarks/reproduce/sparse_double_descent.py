"""Sparse double descent: LeNet-300-100 on MNIST with 20 % of its train labels wrong, pruned to 99.5 %.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/sparse_double_descent.py [--url URL | --home FOLDER] [--draw]

A trial is a seed. He et al. 2022 (arXiv 2206.08684): dense 83.3 %, dip 76.5 % near 89 % sparsity where train accuracy
leaves 100 %, peak 95.5 % near 98.8 %, 86.5 % at 99.5 %. Theirs are all 60,000 images; here the first 13,000, so that
wrong labels are learnt by heart in minutes, and the threshold lies at fewer weights. As theirs: SGD at a constant 0.1,
batches of 128, magnitudes of both hidden layers compared with each other, the output layer left whole, weights kept
from level to level (`lr`). Every level is trained twice, in the search and in the certificate, which takes it to the
test. About 0.6 core-hours a seed.
With --short: digits, three levels, to see that it runs.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import campaign

from ticketing.report.axes import Axes, along_log_density, between
from ticketing.report.drawing import Line, Point, frame, labels_of, line_of, regimes_of, svg
from winnow.numpy import read_answers

SHORT = "--short" in sys.argv
NAME = "sparse_double_descent" + ("_short" if SHORT else "")
SEEDS = range(1 if SHORT else 3)
EXAMPLES = 13_000
TICKS = [tick / 10 for tick in range(11)]


def trial(seed: int) -> campaign.Trial:
    recipe = {
        "search": "iterative",
        "rate": {"default": 0.2, "output": 0},
        "scope": "global",
        "rewind": "lr",
        "training": {
            "length": "20ep" if SHORT else "100ep",
            "batch_size": 128,
            "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0},
            "evaluate_every": "1ep",
            "label_noise": {"kind": "symmetric", "fraction": 0.2},
        },
        "evidence": {"replicates": 1, "replicates_of": "search", "controls": [], "levels": "all"},
        "seed": seed,
    }
    size: dict[str, Any] = {"levels": 3} if SHORT else {"levels": 30}
    return campaign.Trial(
        f"seed-{seed}", {"model": {"architecture": "lenet-300-100", "seed": seed}, "recipe": recipe | size}
    )


def rows(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Gather the levels of all seeds: sparsity, train and test accuracy after the last update, regime of each seed."""
    trials = list(found.values())
    return [
        {
            "level": level["level"],
            "sparsity": level["sparsity"],
            "train_accuracy": [trial["levels"][index]["train"]["accuracy"] for trial in trials],
            "test_accuracy": [_tested(trial, index) for trial in trials],
            "regimes": [trial["levels"][index]["regime"] for trial in trials],
        }
        for index, level in enumerate(trials[0]["levels"])
    ]


def _tested(trial: dict[str, Any], level: int) -> float:
    """Give the test accuracy after the last update: stopped at its best a network has not yet learnt wrong labels."""
    answers = read_answers(campaign.RESULTS / NAME / f"{trial['trial']}.{campaign.ANSWERS}")
    return float(answers[f"{'ticket' if level else 'dense'}/{level}/last"].mean())


def turning_points(levels: list[dict[str, Any]]) -> dict[str, Any]:
    """Find the dip (lowest mean test accuracy before the peak) and the peak (highest one from the dip on)."""
    means = [sum(row["test_accuracy"]) / len(row["test_accuracy"]) for row in levels]
    rises = {i: max(means[i:]) - means[i] for i in range(len(means))}
    dip = max(rises, key=lambda i: (rises[i], -i))
    peak = max(range(dip, len(means)), key=lambda i: means[i])
    named = {"dense": 0, "dip": dip, "peak": peak, "last": len(means) - 1}
    return {
        word: {"sparsity": levels[i]["sparsity"], "test_accuracy": means[i], "regimes": levels[i]["regimes"]}
        for word, i in named.items()
    }


def figure(levels: list[dict[str, Any]]) -> str:
    sparsities = [row["sparsity"] for row in levels]
    axes = Axes(along_log_density(sparsities[-1]), between(0.0, 1.0))
    parts = regimes_of(axes, sparsities, [row["regimes"][0] for row in levels])
    parts += frame(axes, TICKS, sparsities, "accuracy")
    labels = []
    for name, word in (("train", "reinit"), ("test", "ticket")):
        values = [row[f"{name}_accuracy"] for row in levels]
        points = [Point(s, sum(v) / len(v), tuple(v)) for s, v in zip(sparsities, values, strict=True)]
        parts.append(line_of(Line(name, word, tuple(points)), axes))
        labels.append((axes.y(points[-1].mean), name, f"f-{word}"))
    return svg([*parts, *labels_of(labels)], "Train and test accuracy against sparsity, 20 % label noise")


def main() -> int:
    assert __doc__
    if SHORT:
        sys.argv.remove("--short")
    data: dict[str, Any] = {"data": "builtin:digits"} if SHORT else {"data": "mnist.npz", "examples": EXAMPLES}
    found = campaign.run(NAME, [trial(seed) for seed in SEEDS], **data, description=__doc__)
    if found:
        levels, out = rows(found), campaign.RESULTS
        summary = {"n": len(found), "turning_points": turning_points(levels), "levels": levels}
        (out / f"{NAME}.json").write_text(json.dumps(summary, indent=1) + "\n")
        (out / f"{NAME}.svg").write_text(campaign.standalone(figure(levels)))
        print(json.dumps(summary["turning_points"], indent=1))
    print(f"{len(found)} of {len(SEEDS)} seeds kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
