"""What heads and units chosen early are worth: a small vision transformer on digits, beside others of as many.

    .venv/bin/python benchmarks/heads_and_units.py [--seeds 5] [--length 40ep]

Per seed one `early_bird` run that watches half and three quarters of the heads and units: ticket, dense network and
controls, trained once more in an order the search never saw. Writes benchmarks/results/heads_and_units.json: per seed
the epoch found, what is left, and the test accuracies.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from on_digits import report_on_digits
from training_speed import machine

RESULT = Path(__file__).parent / "results" / "heads_and_units.json"
NETWORK = {"patch": 2, "width": 32, "depth": 3, "heads": 4}
SHARES = (0.5, 0.75)
CONTROLS = ("reinit", "shuffle", "random")


def found(home: Path, seed: int, length: str) -> list[dict[str, Any]]:
    """Run one search, and read off its report what the page shows of every share."""
    asked = {
        "search": "early_bird",
        "channel_sparsities": SHARES,
        "training": {
            "length": length,
            "batch_size": 32,
            "evaluate_every": "1ep",
            "optimizer": {"name": "adamw", "learning_rate": 0.001},
            "schedule": {"name": "cosine"},
        },
        "evidence": {"replicates": 1, "controls": CONTROLS, "levels": "all"},
        "gain": "never",
    }
    report = report_on_digits(home, asked, seed=seed, architecture="vit-tiny", given=NETWORK)
    return [
        {
            "epoch": settling["found"][0],
            "channels": row["channels"],
            "multiply_adds": row["multiply_adds"] / report["model"]["multiply_adds"],
            **{branch: row["test"][branch]["mean"] for branch in ("ticket", "dense", *CONTROLS)},
        }
        for settling, row in zip(report["settling"], report["levels"][1:], strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--length", default="40ep")
    asked = parser.parse_args()
    seeds: list[list[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as home:
        for seed in range(asked.seeds):
            seeds.append(found(Path(home), seed, asked.length))
            print(seed, *({key: row[key] for key in ("epoch", "ticket", "dense", *CONTROLS)} for row in seeds[-1]))
            made = {"machine": machine(), "network": NETWORK, "length": asked.length, "seeds": seeds}
            RESULT.write_text(json.dumps(made, indent=1) + "\n")
    for at, share in enumerate(SHARES):
        rows = [seed[at] for seed in seeds]
        print(f"{share:g} gone, {mean(row['multiply_adds'] for row in rows):.3f} of the multiply-adds;", end="")
        for other in ("dense", *CONTROLS):
            values = [100 * (row["ticket"] - row[other]) for row in rows]
            print(f" minus {other} {mean(values):+.2f} +- {stdev(values) if len(values) > 1 else 0:.2f}", end="")
        print()


if __name__ == "__main__":
    main()
