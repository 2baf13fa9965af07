"""Early-bird tickets of ResNet-20 and VGG-16 on CIFAR-10 at 24 epochs, beside dense, `reinit` and network slimming.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/early_bird_cifar10.py [--url URL | --home FOLDER] [--draw]

Three seeds at half the channels, each with its certificate (ticket, dense, `reinit`) and a job of network slimming:
dense to the end with the L1 term, pruned, trained again as long, and tested as it was handed out; so is the early
ticket trained the whole schedule again (`retrained`). Seed 0 watches 30 and 70 % too; one VGG at half. You et al. 2019
(arXiv 1909.11957) train 160 epochs, the rate falling at 80 and 120; here 24, at 12 and 18, and bf16 (`--precision fp32`
where a processor has no instructions for it). Writes benchmarks/results/reproduce/early_bird_cifar10.{json,md} and the
distances of the masks of every two epochs as early_bird_cifar10-*.svg.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import campaign

from ticketing.report.settling import picture

SEEDS, EPOCHS = (0, 1, 2), 24
TRAINING = {
    "length": f"{EPOCHS}ep",
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule": {"name": "milestones", "at": ["12ep", "18ep"], "factor": 0.1},
    "precision": "bf16",
    "augment": "flip_crop",
    "evaluate_every": "1ep",
}
PUBLISHED = "2.1, 2.5, 3.1 times fewer at 10, 30, 50 % (VGG-16, CIFAR-100, 160 epochs)"
COMPARED = (
    ("ticket minus dense", ("seed", "ticket"), ("seed", "dense")),
    ("ticket minus `reinit`", ("seed", "ticket"), ("seed", "reinit")),
    ("ticket minus network slimming", ("seed", "ticket"), ("slimming", "ticket")),
    ("ticket of the whole schedule minus dense", ("retrained", "ticket"), ("seed", "dense")),
    ("ticket of the whole schedule minus network slimming", ("retrained", "ticket"), ("slimming", "ticket")),
)
"""What is said of every seed: a branch of one trial minus a branch of another."""
Kept = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Scale:
    """How much of it is done."""

    experiment: str
    batch_size: int
    vgg: str
    examples: int | None = None
    """Of the train split, the first so many; None for all."""

    @property
    def sentence(self) -> str:
        images = "all images" if self.examples is None else f"the first {self.examples:,} images"
        return f"ResNet-20 and (`vgg-0`) `{self.vgg}`, {images} in batches of {self.batch_size}"


def trial(name: str, architecture: str, seed: int, shares: tuple[float, ...], **words: Any) -> campaign.Trial:
    evidence = {"replicates": 1, "controls": ["reinit"], "levels": "all"}
    recipe = {
        "search": "early_bird",
        "channel_sparsities": shares,
        "evidence": evidence,
        "gain": "never",
        "outputs": ["slim"],
        "seed": seed,
        **words,
    }
    return campaign.Trial(name, {"model": {"architecture": architecture, "seed": seed}, "recipe": recipe})


def trials(scale: Scale) -> list[campaign.Trial]:
    """List all jobs, those that say most first."""
    early = {"training": {**TRAINING, "batch_size": scale.batch_size}}
    slimming = {**early, "threshold": 0, "window": EPOCHS, "then": "retrain", "evidence": "none"}
    made = []
    for seed in SEEDS:
        shares = (0.3, 0.5, 0.7) if seed == 0 else (0.5,)
        made.append(trial(f"seed-{seed}", "resnet-20", seed, shares, **early))
        made.append(trial(f"slimming-{seed}", "resnet-20", seed, (0.5,), **slimming))
    made.append(trial("vgg-0", scale.vgg, 0, (0.5,), **early))
    retrained = {**early, "then": "retrain", "evidence": "none"}
    return made + [trial(f"retrained-{seed}", "resnet-20", seed, (0.5,), **retrained) for seed in SEEDS]


def rows(kept: Kept) -> list[dict[str, Any]]:
    """Say of every level that was found what came of it."""
    made = []
    for name, found in kept.items():
        for settling, level in zip(found["settling"], found["levels"][1:], strict=True):
            left = level["multiply_adds"] / found["levels"][0]["multiply_adds"]
            searched = settling["found"][0] or settling["epochs_watched"]
            trained = EPOCHS if found["recipe"]["then"] == "retrain" else EPOCHS - searched
            made.append(
                {
                    "trial": name,
                    "precision": found["recipe"]["training"]["precision"],
                    "removed": settling["channel_sparsity"],
                    "epoch": settling["found"][0],
                    "parameters": level["parameters"] / found["levels"][0]["parameters"],
                    "multiply_adds": left,
                    "test": tested(found, level),
                    "fewer_flops": EPOCHS * (1 + left) / (searched + trained * left),
                }
            )
    return made


def tested(found: Mapping[str, Any], level: Mapping[str, Any]) -> dict[str, float]:
    """Give test accuracies by branch: the certificate's, or without one that of what the search handed out."""
    judged = {branch: values["mean"] for branch, values in level["test"].items() if values}
    return judged or {"ticket": found["search"]["test_accuracy"]}


def page(made: list[dict[str, Any]], scale: Scale) -> str:
    precisions = ", ".join(sorted({row["precision"] for row in made}))
    head = "trial | removed | epoch | parameters, multiply-adds left | ticket | dense | reinit | times fewer operations"
    lines = [
        f"# Early-bird tickets on CIFAR-10, {EPOCHS} epochs",
        "",
        f"`python benchmarks/reproduce/{scale.experiment}.py`: {scale.sentence}, in {precisions}.",
        "Channels removed, the epoch they were found at, what is left of the network, and test accuracies in % of the",
        "certificate, trained in an order the search never saw; those of `slimming` and `retrained` are of the network",
        "that was handed out. Times fewer operations: those of train, prune, retrain over those of search and slim",
        f"training; published: {PUBLISHED}.",
        "",
        f"| {head} |",
        f"|{8 * '---|'}",
    ]
    for row in made:
        tested = [f"{100 * row['test'][at]:.2f}" if at in row["test"] else "-" for at in ("ticket", "dense", "reinit")]
        left = f"{row['parameters']:.0%}, {row['multiply_adds']:.0%}"
        epoch = "not settled" if row["epoch"] is None else str(row["epoch"])
        cells = [row["trial"], f"{row['removed']:.0%}", epoch, left, *tested, f"{row['fewer_flops']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    half = {row["trial"]: row["test"] for row in made if row["removed"] == 0.5}
    for said, (one, branch), (other, its) in COMPARED:
        both = [(f"{one}-{seed}", f"{other}-{seed}") for seed in SEEDS]
        points = [100 * (half[a][branch] - half[b][its]) for a, b in both if a in half and b in half]
        if points:
            each = ", ".join(f"{value:+.2f}" for value in points)
            lines += ["", f"At half the channels, {said}, points of each seed: {each}."]
    return "\n".join([*lines, ""])


def reproduce(scale: Scale, description: str) -> None:
    """Run what is not kept yet of all jobs, and write what is."""
    wanted, out = trials(scale), campaign.RESULTS / scale.experiment
    kept = campaign.run(scale.experiment, wanted, data="cifar10.npz", description=description, examples=scale.examples)
    if kept:
        made = rows(kept)
        out.with_suffix(".json").write_text(json.dumps(made, indent=1) + "\n")
        out.with_suffix(".md").write_text(page(made, scale))
        for name, found in kept.items():
            for settling in found["settling"]:
                share = round(100 * settling["channel_sparsity"])
                drawn = campaign.standalone(picture(settling))
                out.with_name(f"{scale.experiment}-{name}-{share}.svg").write_text(drawn)
        print(page(made, scale))
    print(f"{len(kept)} of {len(wanted)} jobs kept")


if __name__ == "__main__":
    assert __doc__
    reproduce(Scale("early_bird_cifar10", batch_size=128, vgg="vgg-16-bn"), __doc__)
