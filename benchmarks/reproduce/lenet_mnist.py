"""LeNet-300-100 on MNIST at the length of the paper: 20 levels of 50,000 updates, 5 seeds, every level judged.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/lenet_mnist.py [--url URL | --home FOLDER] [--only seed-0]

A trial is a seed: its own initialisation, split and orders; ticket, dense, `reinit` and `shuffle` at every level.
About 1.7 core-hours each. Beside Frankle & Carbin 2018 (arXiv 1803.03635), section 2 and figures 3 and 4.
Writes benchmarks/results/reproduce/lenet_mnist.{json,md,svg} from the seeds that are kept.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean, mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import campaign
import plot

from ticketing.certificate.pooling import certify_pooled
from ticketing.certificate.verdict import Certificate
from winnow.numpy import read_answers

EXPERIMENT = "lenet_mnist"
SEEDS = range(5)
BRANCHES = ("ticket", "dense", "reinit", "shuffle")
TOLERANCE = 0.005
TRAINING = {
    "length": "50000it",
    "batch_size": 60,
    "optimizer": {"name": "adam", "learning_rate": 0.0012},
    "schedule": {"name": "constant"},
    "evaluate_every": "100it",
}
EVIDENCE = {"replicates": 1, "replicates_of": "search", "controls": ["reinit", "shuffle"], "levels": "all"}
Trials = Sequence[Mapping[str, Any]]


def trial(seed: int) -> campaign.Trial:
    recipe = {
        "search": "iterative",
        "levels": 20,
        "rate": {"default": 0.2, "output": 0.1},
        "training": TRAINING,
        "evidence": EVIDENCE,
        "seed": seed,
    }
    return campaign.Trial(f"seed-{seed}", {"model": {"architecture": "lenet-300-100", "seed": seed}, "recipe": recipe})


def accuracies(trials: Trials, branch: str, level: int) -> list[float]:
    """Give the test accuracies of a branch in percent, one per seed; dense stands beside every level."""
    return [100 * t["levels"][0 if branch == "dense" else level]["test"][branch]["values"][0] for t in trials]


def stops(trials: Trials, branch: str, level: int) -> list[int]:
    """Give the early-stop steps of the certificate's trainings, one per seed."""
    found = [t["levels"][level]["early_stop"] for t in trials]
    if branch == "ticket":
        return [stop["ticket_steps"][0] for stop in found]
    return [stop["over_ticket"][branch]["steps"][0] for stop in found]


def rows(trials: Trials) -> list[dict[str, Any]]:
    """Put the seeds of every pruned level side by side, with the pooled certificate."""
    answers = [read_answers(campaign.RESULTS / EXPERIMENT / f"{t['trial']}.{campaign.ANSWERS}") for t in trials]
    made = []
    for level in range(1, len(trials[0]["levels"])):
        judged = certify_pooled(answers, level=level, tolerance=TOLERANCE)
        made.append(
            {
                "level": level,
                "kept": trials[0]["levels"][level]["kept"],
                "density": trials[0]["levels"][level]["density"],
                "accuracy": {branch: accuracies(trials, branch, level) for branch in BRANCHES},
                "early_stop_step": {branch: stops(trials, branch, level) for branch in BRANCHES},
                "verdict": judged.verdict,
                "minus": {name: _comparison(judged, name) for name in BRANCHES[1:]},
            }
        )
    return made


def _comparison(judged: Certificate, name: str) -> dict[str, Any]:
    found = judged.dense if name == "dense" else judged.controls[name]
    points = {"points": [100 * d for d in found.differences], "mean": 100 * found.mean, "outcome": found.outcome}
    interval = found.interval and found.bootstrap and [100 * found.lower, 100 * found.upper]
    return points | {"interval": interval}


def claims(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Set the seven statements of the paper's section 2 beside what was found: (statement, published, here)."""
    at = {row["level"]: row for row in found}
    below = {branch: _first_below(found, branch) for branch in ("ticket", "reinit")}
    return [
        ("1. at 21.1 % the ticket stops earlier than dense, by", "38 %", _earlier(at[7])),
        ("2. at 3.6 % it stops when dense does: steps over dense's", "1", f"{_ratio(at[15], 'ticket', 'dense'):.2f}"),
        ("3. at 13.5 % the ticket is more accurate than dense, points", "> +0.3", _points(at[9], "dense")),
        ("4. at 3.6 % it is as accurate as dense, points", "0", _points(at[15], "dense")),
        ("5. at 21.1 % reinit stops later than the ticket, times", "2.51", f"{_ratio(at[7], 'reinit', 'ticket'):.2f}"),
        ("6. at 21.1 % the ticket is more accurate than reinit, points", "+0.5", _points(at[7], "reinit")),
        ("7. from here on the mean stays below dense's: ticket, reinit", "2.9 %, 21.1 %", ", ".join(below.values())),
    ]


def _ratio(row: Mapping[str, Any], branch: str, over: str) -> float:
    steps = row["early_stop_step"]
    return geometric_mean([a / b for a, b in zip(steps[branch], steps[over], strict=True)])


def _earlier(row: Mapping[str, Any]) -> str:
    return f"{100 * (1 - _ratio(row, 'ticket', 'dense')):.0f} %"


def _points(row: Mapping[str, Any], other: str) -> str:
    difference = row["minus"][other]
    interval = difference["interval"]
    shown = "" if interval is None else f" [{interval[0]:+.2f}, {interval[1]:+.2f}]"
    return f"{difference['mean']:+.2f}{shown}"


def _first_below(found: Sequence[Mapping[str, Any]], branch: str) -> str:
    """Name the density from which on the mean accuracy stays below dense's."""
    above = [row["level"] for row in found if mean(row["accuracy"][branch]) >= mean(row["accuracy"]["dense"])]
    after = [row for row in found if row["level"] > max(above, default=0)]
    return f"{100 * after[0]['density']:.1f} %" if after else "none"


def drawn(found: Sequence[Mapping[str, Any]], n: int) -> str:
    def lines(key: str) -> dict[str, list[tuple[float, Sequence[float]]]]:
        return {branch: [(100 * row["density"], row[key][branch]) for row in found] for branch in BRANCHES}

    across = {"x_label": "weights kept, %", "log_x": True, "falling_x": True}
    return plot.figure(
        [
            plot.Panel("Test accuracy at early stop", lines("accuracy"), y_label="accuracy, %", **across),
            plot.Panel("When the validation loss is lowest", lines("early_stop_step"), y_label="step", **across),
        ],
        title=f"LeNet-300-100 on MNIST, n = {n}",
    )


def page(found: Sequence[Mapping[str, Any]], trials: Trials) -> str:
    n, hours = len(trials), sum(t["running_seconds"] for t in trials) / 3600
    processors = sorted({f"{t['provenance']['execution_key']['device']}, 1 thread" for t in trials})
    lines = [
        "# LeNet-300-100 on MNIST, 50,000 updates a level",
        "",
        f"`python benchmarks/reproduce/{EXPERIMENT}.py`, n = {n} seeds of {len(SEEDS)}; {'; '.join(processors)}, shared"
        f" with other work; {hours:.1f} slot-hours in all. Intervals: 95 %, pooled over the seeds (t and bootstrap, the"
        " wider bound).",
        "",
        f"| Frankle & Carbin 2018, section 2 (n = 5) | published | here (n = {n}) |",
        "|---|---|---|",
        *(f"| {statement} | {published} | {here} |" for statement, published, here in claims(found)),
        "",
        "| level | kept, % | ticket | dense | reinit | shuffle | - dense | - reinit | - shuffle | verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        means = [f"{mean(row['accuracy'][branch]):.2f}" for branch in BRANCHES]
        minus = [_points(row, other) for other in BRANCHES[1:]]
        cells = [str(row["level"]), f"{100 * row['density']:.2f}", *means, *minus, row["verdict"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> int:
    assert __doc__
    kept = campaign.run(EXPERIMENT, [trial(seed) for seed in SEEDS], data="mnist.npz", description=__doc__)
    if not kept:
        return 0
    trials = list(kept.values())
    found = rows(trials)
    written = {"n": len(trials), "levels": found, "claims": claims(found)}
    (campaign.RESULTS / f"{EXPERIMENT}.json").write_text(json.dumps(written, indent=1) + "\n")
    (campaign.RESULTS / f"{EXPERIMENT}.svg").write_text(drawn(found, len(trials)))
    (campaign.RESULTS / f"{EXPERIMENT}.md").write_text(page(found, trials))
    print(page(found, trials))
    return 0


if __name__ == "__main__":
    sys.exit(main())
