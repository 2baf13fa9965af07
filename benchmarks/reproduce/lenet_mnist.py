"""LeNet-300-100 on MNIST at the length of the paper: 20 levels of 50,000 updates, 5 seeds, every level judged.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/lenet_mnist.py [--url URL | --home FOLDER] [--only seed-0]

A trial is a seed: its own initialisation, split and orders; ticket, dense, `reinit` and `shuffle` at every level.
About 1.7 core-hours each. Frankle & Carbin 2018 (arXiv 1803.03635), section 2 and figures 3 and 4.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import campaign

SEEDS = range(5)


def trial(seed: int) -> campaign.Trial:
    return campaign.Trial(
        f"seed-{seed}",
        {
            "model": {"architecture": "lenet-300-100", "seed": seed},
            "recipe": {
                "search": "iterative",
                "levels": 20,
                "rate": {"default": 0.2, "output": 0.1},
                "training": {
                    "length": "50000it",
                    "batch_size": 60,
                    "optimizer": {"name": "adam", "learning_rate": 0.0012},
                    "schedule": {"name": "constant"},
                    "evaluate_every": "100it",
                },
                "evidence": {
                    "replicates": 1,
                    "replicates_of": "search",
                    "controls": ["reinit", "shuffle"],
                    "levels": "all",
                },
                "seed": seed,
            },
        },
    )


def main() -> int:
    assert __doc__
    found = campaign.run("lenet_mnist", [trial(seed) for seed in SEEDS], data="mnist.npz", description=__doc__)
    print(f"{len(found)} of {len(SEEDS)} seeds kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
