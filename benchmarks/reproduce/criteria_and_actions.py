"""Every criterion and every action on kept and removed entries: LeNet-300-100 on MNIST, 3,000 updates a level, 3 seeds.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/criteria_and_actions.py [--url URL | --home FOLDER] [--draw]

A trial is a word and a seed: 8 levels to 16.9 % kept, rates 0.2 and 0.1 for the output layer, everything else as
`large_final`, `rewind`, `zero`. Its ticket and the dense network are trained once more in an unseen order and tested.
Zhou et al. 2019 (arXiv 1905.01067), figures 3 to 6. About a minute of one core a trial.
Writes benchmarks/results/reproduce/criteria_and_actions.{json,md,svg} from the trials that are kept.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import campaign
import plot

from ticketing.recipe.masking import CRITERION_WORDS, KEPT_WORDS, OF_WEIGHTS, PRUNED_WORDS, TAKE_A_SIGN

EXPERIMENT = "criteria_and_actions"
SEEDS = range(3)
LEVELS = 8
BASE = "large_final"
Found = Mapping[str, Sequence[Mapping[str, Any]]]
"""By setting: its trials, one per seed that is kept."""


def settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """List what is varied: (name, fields of the recipe), each against `large_final`, `rewind`, `zero`."""
    yield from ((word, {"criterion": word}) for word in CRITERION_WORDS if word in OF_WEIGHTS)
    for word in KEPT_WORDS:
        if word != "rewind":
            yield f"kept-{word}", {"kept": word}
        if word in TAKE_A_SIGN:
            yield f"kept-{word}-keep_sign", {"kept": word, "keep_sign": True}
    yield from ((f"pruned-{word}", {"pruned": word}) for word in PRUNED_WORDS if word != "zero")


def trials() -> list[campaign.Trial]:
    """List seed after seed, so that what is kept is even over the settings."""
    return [_trial(name, fields, seed) for seed in SEEDS for name, fields in settings()]


def _trial(name: str, fields: Mapping[str, Any], seed: int) -> campaign.Trial:
    recipe = {
        "search": "iterative",
        "levels": LEVELS,
        "rate": {"default": 0.2, "output": 0.1},
        "training": {
            "length": "3000it",
            "batch_size": 60,
            "optimizer": {"name": "adam", "learning_rate": 0.0012},
            "schedule": {"name": "constant"},
            "evaluate_every": "100it",
        },
        "evidence": "quick",
        "outputs": ["mask"],
        "seed": seed,
    }
    model = {"architecture": "lenet-300-100", "seed": seed}
    return campaign.Trial(f"{name}-{seed}", {"model": model, "recipe": recipe | dict(fields)})


def by_setting(kept: Mapping[str, Mapping[str, Any]]) -> Found:
    found = {name: [kept[f"{name}-{seed}"] for seed in SEEDS if f"{name}-{seed}" in kept] for name, _ in settings()}
    return {name: of for name, of in found.items() if of}


def tested(of: Sequence[Mapping[str, Any]]) -> list[float]:
    """Give the test accuracy of the last level's ticket in percent, one per seed."""
    return [100 * trial["levels"][LEVELS]["test"]["ticket"]["values"][0] for trial in of]


def validated(of: Sequence[Mapping[str, Any]]) -> plot.Points:
    """Give validation accuracy in percent over the share of weights kept."""
    levels = range(LEVELS + 1)
    return [
        (100 * of[0]["levels"][k]["density"], [100 * t["levels"][k]["validation"]["accuracy"] for t in of])
        for k in levels
    ]


def drawn(found: Found) -> str:
    groups = {
        "Criteria": [name for name in found if not name.startswith(("kept-", "pruned-"))][:8],
        "Criteria of signs, movement, gradients": [n for n in found if not n.startswith(("kept-", "pruned-"))][8:],
        "What kept entries restart as": [BASE, *(name for name in found if name.startswith("kept-"))],
        "What removed entries hold": [BASE, *(name for name in found if name.startswith("pruned-"))],
    }
    panels = [
        plot.Panel(
            title,
            {name: validated(found[name]) for name in names if name in found},
            x_label="weights kept, %",
            y_label="validation accuracy, %",
            log_x=True,
            falling_x=True,
        )
        for title, names in groups.items()
        if any(name in found for name in names)
    ]
    return plot.figure(panels, title="Criteria and actions, LeNet-300-100 on MNIST")


def page(found: Found) -> str:
    least, most = min(map(len, found.values())), max(map(len, found.values()))
    n = str(least) if least == most else f"{least} to {most}"
    base = found.get(BASE, [])
    seeds = {trial["recipe"]["seed"]: value for trial, value in zip(base, tested(base), strict=True)}
    lines = [
        "# Criteria and actions: LeNet-300-100 on MNIST, 16.9 % kept, 3,000 updates a level",
        "",
        f"`python benchmarks/reproduce/{EXPERIMENT}.py`: n = {n} of {len(SEEDS)} seeds, {len(found)} settings"
        f" of {len(list(settings()))}; one thread, machine shared with other work. Test accuracy of the ticket of"
        " level 8, trained once more in an unseen order; paired differences to `large_final` with the same seed.",
        "",
        "| setting | n | test accuracy, % | minus `large_final`, points |",
        "|---|---|---|---|",
    ]
    for name, of in sorted(found.items(), key=lambda item: -mean(tested(item[1]))):
        values = tested(of)
        pairs = zip(of, values, strict=True)
        minus = [value - seeds[trial["recipe"]["seed"]] for trial, value in pairs if trial["recipe"]["seed"] in seeds]
        shown = ", ".join(f"{value:.2f}" for value in values)
        lines.append(f"| `{name}` | {len(of)} | {shown} | {', '.join(f'{value:+.2f}' for value in minus)} |")
    dense = [100 * trial["levels"][0]["test"]["dense"]["values"][0] for trial in base]
    return "\n".join([*lines, "", f"Dense: {', '.join(f'{value:.2f}' for value in dense)} %.", ""])


def main() -> int:
    assert __doc__
    kept = campaign.run(EXPERIMENT, trials(), data="mnist.npz", description=__doc__)
    found = by_setting(kept)
    if found:
        summary = {name: {"test_accuracy": tested(of), "validation": validated(of)} for name, of in found.items()}
        (campaign.RESULTS / f"{EXPERIMENT}.json").write_text(json.dumps(summary, indent=1) + "\n")
        (campaign.RESULTS / f"{EXPERIMENT}.svg").write_text(drawn(found))
        (campaign.RESULTS / f"{EXPERIMENT}.md").write_text(page(found))
    print(f"{len(kept)} of {len(trials())} trials kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
