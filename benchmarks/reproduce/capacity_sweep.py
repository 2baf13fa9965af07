"""Double descent over width on 4,000 images of MNIST: one hidden layer, squared loss, 5 repeats, with weight reuse.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/capacity_sweep.py [--url URL | --home FOLDER] [--draw]

One trial, the default sweep at 2,000 epochs. Belkin et al. 2018 (arXiv 1812.11118), figure 3: the test loss peaks
where N = n K = 40,000 parameters, width 50. The paper trains 6,000 epochs by SGD. About 1.5 core-hours by the plan.
With --short: digits, 60 examples, to see that it runs.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import campaign

from ticketing.report.capacity_figure import capacity_figure

SHORT = "--short" in sys.argv
NAME = "capacity_sweep" + ("_short" if SHORT else "")


def trial() -> campaign.Trial:
    recipe: dict[str, Any] = {"search": "capacity_sweep", "training": {"length": "2000ep"}, "seed": 0}
    if SHORT:
        recipe |= {"examples": 60, "repeats": 2, "training": {"length": "20ep", "batch_size": 20}}
    return campaign.Trial("widths", {"model": {"architecture": "mlp", "seed": 0}, "recipe": recipe})


def main() -> int:
    assert __doc__
    if SHORT:
        sys.argv.remove("--short")
    data = "builtin:digits" if SHORT else "mnist.npz"
    found = campaign.run(NAME, [trial()], data=data, description=__doc__)
    for kept in found.values():
        capacity, out = kept["capacity"], campaign.RESULTS
        concluded = {word: value for word, value in capacity.items() if word != "points"}
        (out / f"{NAME}.json").write_text(json.dumps(concluded | {"points": capacity["points"]}, indent=1) + "\n")
        for measure in ("loss", "error"):
            (out / f"{NAME}_{measure}.svg").write_text(campaign.standalone(capacity_figure(capacity, measure)))
        print(json.dumps(concluded, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
