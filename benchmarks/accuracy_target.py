"""What the way to an accuracy drop and the reuse of trainings save, on a small perceptron and scikit-learn's digits.

    .venv/bin/python benchmarks/accuracy_target.py [--seeds 3] [--drop 0.02] [--length 460it]

Per seed: a search for the drop; the fixed ladder with one rung more than where it ended; and a search with
`rewind: auto`. Writes benchmarks/results/accuracy_target.json: trainings and updates of each, where both searches say
the sparsest level within the drop is, and the updates that would have been made twice without reuse.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from on_digits import report_on_digits

RESULT = Path(__file__).parent / "results" / "accuracy_target.json"


def report(home: Path, seed: int, length: str, **words: Any) -> dict[str, Any]:
    """Run one search on digits, without evidence, and read its report."""
    asked = {"evidence": "none", "training": {"length": length, "evaluate_every": "20it"}}
    return report_on_digits(home, asked | words, seed=seed)


def of_seed(home: Path, seed: int, *, drop: float, length: str) -> dict[str, Any]:
    found = report(home, seed, length, target={"max_accuracy_drop": drop})
    told = found["search"]["target"]
    fixed = report(home, seed, length, levels=max(1, told["levels_of_fixed_ladder"]))
    accuracies = [row["validation"]["accuracy"] for row in fixed["levels"]]
    auto = report(home, seed, length, levels=1, rewind="auto")
    return {
        "seed": seed,
        "within": told["within"],
        "beyond": told["beyond"],
        "sparsity": found["search"]["delivered"]["sparsity"],
        "levels_saved": told["levels_saved"],
        "updates": found["cost"]["search_updates"],
        "updates_of_fixed_ladder": fixed["cost"]["search_updates"],
        "ladder_last_within": max(i for i, a in enumerate(accuracies) if a >= accuracies[0] - drop - 1e-9),
        "auto": {
            "chosen": auto["search"]["connectivity"]["chosen"],
            "barriers": {str(at["step"]): at["barrier"] for at in auto["search"]["connectivity"]["tried"]},
            "updates": auto["cost"]["search_updates"],
            "reused_updates": auto["cost"]["reused_updates"],
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--drop", type=float, default=0.02)
    parser.add_argument("--length", default="460it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        seeds = [of_seed(Path(home), seed, drop=asked.drop, length=asked.length) for seed in range(asked.seeds)]
    RESULT.write_text(json.dumps({"drop": asked.drop, "length": asked.length, "seeds": seeds}, indent=1) + "\n")
    for row in seeds:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
