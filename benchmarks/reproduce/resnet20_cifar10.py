"""ResNet-20 on CIFAR-10 at 12 epochs a level, 10 levels to 10.7 %: rewinding to 0it against 500it and `lr`, n = 1.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/resnet20_cifar10.py [--url URL | --home FOLDER] [--draw]

A trial is a rewind. Renda et al. 2020 (arXiv 2003.02389) train 182 epochs: iterative `lr` 92.14 % at 26.2 % and 91.01 %
at 10.7 %, dense 91.71 %, rewinding to 0it 86.68 % at 10.7 %, the negative control. Twelve epochs are a fifteenth of
that, and are stated as such. Writes benchmarks/results/reproduce/resnet20_cifar10.{json,svg}.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import campaign
import plot

EXPERIMENT = "resnet20_cifar10"
REWINDS = ("lr", "0it", "500it")
LEVELS = 10


def trial(rewind: str) -> campaign.Trial:
    recipe: dict[str, Any] = {
        "search": "iterative",
        "levels": LEVELS,
        "rewind": rewind,
        "training": {
            "length": "12ep",
            "batch_size": 128,
            "schedule": {"name": "milestones", "at": ["6ep", "9ep"], "factor": 0.1},
            "precision": "bf16",
            "augment": "flip_crop",
            "evaluate_every": "1ep",
        },
        "evidence": {"replicates": 1, "replicates_of": "search", "controls": [], "levels": "delivered"},
        "outputs": ["mask"],
        "seed": 0,
    }
    return campaign.Trial(f"rewind-{rewind}", {"model": {"architecture": "resnet-20", "seed": 0}, "recipe": recipe})


def main() -> int:
    assert __doc__
    trials = [trial(rewind) for rewind in REWINDS]
    kept = campaign.run(EXPERIMENT, trials, data="cifar10.npz", description=__doc__)
    if kept:
        lines = {
            name: [(100 * row["density"], [100 * row["validation"]["accuracy"]]) for row in found["levels"]]
            for name, found in kept.items()
        }
        tested = {
            name: {branch: found["levels"][LEVELS]["test"][branch]["values"] for branch in ("ticket", "dense")}
            for name, found in kept.items()
        }
        title = "ResNet-20 on CIFAR-10, 12 epochs a level, n = 1"
        panel = plot.Panel(
            title, lines, x_label="weights kept, %", y_label="validation accuracy, %", log_x=True, falling_x=True
        )
        out = campaign.RESULTS / EXPERIMENT
        out.with_suffix(".json").write_text(json.dumps({"validation": lines, "test": tested}, indent=1) + "\n")
        out.with_suffix(".svg").write_text(plot.figure([panel], title=title))
    print(f"{len(kept)} of {len(trials)} rewinds kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
