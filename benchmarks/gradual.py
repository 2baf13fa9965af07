"""Pruning during one training beside the ladder and one shot, at equal counts, on a small perceptron and digits.

    .venv/bin/python benchmarks/gradual.py [--seeds 5] [--length 460it] [--sparsity 0.9 0.97]

Per seed and sparsity three searches: the ladder (20 % a level, rewound to 0it), one shot (one cut at once, likewise)
and gradual (the default moments). Each is a run of its own with one replicate of its certificate, no controls: dense
and ticket, trained in an order its search never saw. Writes benchmarks/results/gradual.json: test accuracies of what
each search handed out (of `gradual` the network that was pruned while it trained), of its ticket and of dense, and
the updates of the search.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from on_digits import report_on_digits

RESULT = Path(__file__).parent / "results" / "gradual.json"


def searches(sparsity: float) -> dict[str, dict[str, Any]]:
    """Give the words of every search that ends at a sparsity."""
    target = {"target": {"sparsity": sparsity}}
    return {
        "ladder": target | {"rate": 0.2},
        "one_shot": {"levels": 1, "rate": sparsity},
        "gradual": target | {"schedule_of_pruning": "gradual", "rate": 0.2},
    }


def found(home: Path, seed: int, length: str, **words: Any) -> dict[str, Any]:
    """Run one search on digits and read off its report what the page shows."""
    asked = {
        "evidence": {"replicates": 1, "controls": []},
        "training": {"length": length, "evaluate_every": "20it"},
    }
    report = report_on_digits(home, asked | words, seed=seed)
    (row,) = [row for row in report["levels"] if row["level"] == report["search"]["delivered_level"]]
    return {
        "kept": row["kept"],
        "handed_out": report["search"]["test_accuracy"],
        "ticket": row["test"]["ticket"]["mean"],
        "dense": row["test"]["dense"]["mean"],
        "updates": report["cost"]["search_updates"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--length", default="460it")
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.9, 0.97])
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as home:
        for sparsity in asked.sparsity:
            for name, words in searches(sparsity).items():
                made = [found(Path(home), seed, asked.length, **words) for seed in range(asked.seeds)]
                rows.append({"sparsity": sparsity, "search": name, "seeds": made})
    RESULT.write_text(json.dumps({"length": asked.length, "rows": rows}, indent=1) + "\n")
    for row in rows:
        print(row["sparsity"], row["search"], row["seeds"][0]["kept"], row["seeds"][0]["updates"], end=" ")
        for figure in ("handed_out", "ticket", "dense"):
            values = [100 * seed[figure] for seed in row["seeds"]]
            print(f"{figure} {mean(values):.2f} +- {stdev(values) if len(values) > 1 else 0:.2f}", end=" ")
        print()


if __name__ == "__main__":
    main()
