"""What a structure costs: single entries, N of M inputs and whole channels at like sizes, on a small perceptron.

    .venv/bin/python benchmarks/structures.py [--seeds 5] [--length 460it]

Per seed a search of each kind, in as many levels, rewound to 0it; each is a run of its own with one replicate of its
certificate, no controls: dense and ticket, trained in an order its search never saw. Entries and blocks are compared at
equal sparsity, criteria of channels at equal width (64 hidden units to 8, and 64 to 4). Writes
benchmarks/results/structures.json: kept entries and the test accuracies of ticket and dense, per seed.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from on_digits import report_on_digits

RESULT = Path(__file__).parent / "results" / "structures.json"
CHANNEL_CRITERIA = ("l1", "l2", "taylor", "random")


def rows() -> list[dict[str, Any]]:
    """Give the words of every search under a name, those that are compared under one heading."""
    made = []
    for structure in ("2:4", "1:4", "1:8", "1:16"):
        kept, block = map(int, structure.split(":"))
        levels, left = block - kept, kept / block
        rate = round(1 - left ** (1 / levels), 6)
        heading = f"{100 * left:g} % of the entries, {levels} levels"
        made.append({"heading": heading, "name": "entries", "words": {"levels": levels, "rate": rate}})
        made.append({"heading": heading, "name": structure, "words": {"structure": structure, "levels": levels}})
    for units, levels in ((8, 3), (4, 4)):
        heading = f"64 hidden units to {units}, {levels} levels"
        for criterion in CHANNEL_CRITERIA:
            words = {"structure": "channel", "criterion": criterion, "levels": levels, "rate": 0.5}
            made.append({"heading": heading, "name": criterion, "words": words})
    return made


def found(home: Path, seed: int, length: str, words: dict[str, Any]) -> dict[str, Any]:
    """Run one search on digits and read off its report what the page shows."""
    asked = {"evidence": {"replicates": 1, "controls": []}, "training": {"length": length, "evaluate_every": "20it"}}
    row = report_on_digits(home, asked | words, seed=seed)["levels"][-1]
    return {"kept": row["kept"], **{branch: row["test"][branch]["mean"] for branch in ("ticket", "dense")}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--length", default="460it")
    asked = parser.parse_args()
    made = rows()
    with tempfile.TemporaryDirectory() as home:
        for row in made:
            row["seeds"] = [found(Path(home), seed, asked.length, row["words"]) for seed in range(asked.seeds)]
            values = [100 * (seed["ticket"] - seed["dense"]) for seed in row["seeds"]]
            spread = stdev(values) if len(values) > 1 else 0
            print(f"{row['heading']:40} {row['name']:8} {row['seeds'][0]['kept']:6} kept ", end="")
            print(f"ticket {100 * mean(s['ticket'] for s in row['seeds']):.2f} ", end="")
            print(f"minus dense {mean(values):+.2f} +- {spread:.2f}", flush=True)
    RESULT.write_text(json.dumps({"length": asked.length, "rows": made}, indent=1) + "\n")


if __name__ == "__main__":
    main()
