"""Gathers the report of an early-bird run: what any ticket's report says, and how its channels settled."""

from collections.abc import Mapping
from typing import Any

from ticketing.channels import Kept
from ticketing.channels.distances import distances
from ticketing.channels.scales import scales_of
from ticketing.export.document import document_of_ticket
from ticketing.export.slim_target import slim_target_of
from ticketing.export.ticket_files import size_of
from ticketing.journal.birds import Birds
from ticketing.journal.results import Result
from ticketing.journal.walk import searches_made
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.ladder.early_bird import COMPARED, distance_by_chance, uninformative
from ticketing.plans.costs import FLOPS_PER_MULTIPLY_ADD, FORWARDS_PER_UPDATE
from ticketing.recipe import EarlyBird


def bird_document(bench: Bench[EarlyBird], birds: Birds, **told: Any) -> dict[str, Any]:
    """Gather the whole report as plain JSON values.

    Args:
        bench: Of the finished run.
        birds: What its searches found.
        told: As `document_of_ticket` takes it.
    """
    # No level has a regime: the dense network beside them was stopped before it fitted what it can.
    report = document_of_ticket(bench, birds, rewind=bench.recipe.then, fit={"regime": None}, **told)
    level = report["search"]["delivered_level"]
    rows = [row | {"regime": None} | _narrowed(bench, birds, row["level"]) for row in report["levels"]]
    report["search"] |= {"best": None, "target": _target(bench, birds, rows[level], gain=report["gain"])}
    report["cost"] |= _beside(bench, level)
    settling = [_settling(bench, birds, number) for number in range(1, level + 1)]
    return report | {"levels": rows, "settling": settling}


def _narrowed(bench: Bench[EarlyBird], birds: Birds, level: int) -> dict[str, Any]:
    """Say how wide the first search's network is at a level: channels, parameters, multiply-adds."""
    if level == 0:
        return {"channels": None} | size_of(bench, None)
    kept, scales = birds.kept(0, level), scales_of(bench.subject.inventory, bench.channels)
    channels = {
        "sparsity": birds.share(0, level),
        **_counted(kept, scales.ranked),
        "rescued": list(birds.rescued(0, level)),
    }
    if len(scales.kinds) > 1:
        channels["kinds"] = {kind: _counted(kept, own) for kind, own in scales.kinds.items()}
    return {"channels": channels} | size_of(bench, kept)


def _counted(kept: Kept, own: Kept) -> dict[str, int]:
    return {"kept": int(kept[own].sum()), "total": int(own.sum())}


def _settling(bench: Bench[EarlyBird], birds: Birds, level: int) -> dict[str, Any]:
    """Tell how a share of the channels settled in every search: when, and how far apart the masks of any two epochs
    were; the distances of the first search alone."""
    share, recipe = birds.share(0, level), bench.recipe
    kinds = [kind.numpy() for kind in scales_of(bench.subject.inventory, bench.channels).kinds.values()]
    found = [birds.found(replicate).get(level) for replicate in range(searches_made(bench))]
    matrix = distances(birds.masks(0, level), kinds).round(6)
    compared = COMPARED[recipe.rule](found[0] or birds.epochs(0), recipe.window)
    return {
        "level": level,
        "channel_sparsity": share,
        "found": found,
        "epochs_watched": birds.epochs(0),
        "distance_by_chance": distance_by_chance(share),
        "threshold_uninformative": uninformative(share, recipe.threshold),
        "deciding_distances": [float(matrix[newer, older]) for older, newer in compared if older >= 0],
        "distances": matrix.tolist(),
    }


def _target(
    bench: Bench[EarlyBird], birds: Birds, row: Mapping[str, Any], *, gain: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Tell how the share of a target was found and what the network handed out came to; None without one."""
    target = bench.recipe.target
    if target is None:
        return None
    found = {"share": row["channels"]["sparsity"], **birds.fitted(0)}
    return slim_target_of(target, found, multiply_adds=row["multiply_adds"], gain=gain)


def _beside(bench: Bench[EarlyBird], level: int) -> dict[str, Any]:
    """Set what the delivered network took, the search and its own training, beside one dense training, and beside
    train, prune, retrain: a dense training to the end, and the slim network trained for as long again."""
    batch = min(bench.recipe.training.batch_size, len(bench.data.y_train))
    steps = bench.recipe.training.length.iterations(bench.per_epoch)
    dense, slim = (bench.result(Where.of_search(0, at)) for at in (0, level))

    def work(result: Result, updates: int) -> dict[str, float]:
        one = result.multiply_adds or bench.subject.inventory.multiply_adds
        pace = result.seconds / result.updates
        return {
            "flops": FLOPS_PER_MULTIPLY_ADD * FORWARDS_PER_UPDATE * batch * updates * one,
            "samples": batch * updates,
            "seconds": round(pace * updates, 3),
        }

    ways = {
        "delivered": [work(dense, dense.updates), work(slim, slim.updates)],
        "dense_training": [work(dense, steps)],
        "train_prune_retrain": [work(dense, steps), work(slim, steps)],
    }
    beside = {f"{way}_{unit}": sum(part[unit] for part in parts) for way, parts in ways.items() for unit in parts[0]}
    return beside | {
        "train_prune_retrain_over_delivered": beside["train_prune_retrain_flops"] / beside["delivered_flops"]
    }
