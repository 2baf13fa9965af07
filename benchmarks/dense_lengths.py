"""What the dense network does with the updates, or the multiply-adds, of its ticket: a perceptron on digits.

    .venv/bin/python benchmarks/dense_lengths.py [--replicates 10] [--levels 6] [--length 460it]

Two searches, each with its certificate at levels 3 and the last: `rewind: lr` against `dense_long`, and `rewind: 0it`
against `dense_short`; dense and `reinit` beside both. Writes benchmarks/results/dense_lengths.json.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from on_digits import report_on_digits

RESULT = Path(__file__).parent / "results" / "dense_lengths.json"
RIVALS = {"lr": "dense_long", "0it": "dense_short"}


def certificate(home: Path, rewind: str, *, replicates: int, levels: int, length: str) -> dict[str, Any]:
    """Run one search on digits and read what its certificate says of the last level."""
    asked = {
        "levels": levels,
        "rewind": rewind,
        "training": {"length": length, "batch_size": 64, "evaluate_every": "46it"},
        "evidence": {"replicates": replicates, "controls": ["reinit", RIVALS[rewind]], "levels": [3]},
    }
    report = report_on_digits(home, asked, seed=0)
    found = report["certificate"]
    ends = {curve["branch"]: curve["points"][-1][0] for curve in report["curves"] if curve["stage"] == "certificate"}
    return {
        "rewind": rewind,
        "sparsity": report["search"]["delivered"]["sparsity"],
        "n": found["n"],
        "verdict": found["verdict"],
        "not_beaten": found["not_beaten"],
        "updates": ends,
        "against": found["against"],
        "verdicts": {row["level"]: row["verdict"] for row in report["levels"] if row["verdict"]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--levels", type=int, default=6)
    parser.add_argument("--length", default="460it")
    asked = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as home:
        rows = [certificate(Path(home), rewind, **asked) for rewind in RIVALS]
    RESULT.write_text(json.dumps(asked | {"searches": rows}, indent=1) + "\n")
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
