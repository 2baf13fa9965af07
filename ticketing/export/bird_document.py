"""Gathers the report of an early-bird run: what any ticket's report says, and how its channels settled."""

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.channels.distances import distances
from ticketing.channels.ranking import scales
from ticketing.channels.slimming import slim_inventory
from ticketing.evidence.judgement import Judge, certificate_of
from ticketing.export.costs import costs
from ticketing.export.document import REPORT_VERSION, dataset_of, model_of
from ticketing.export.levels import curves, level_rows
from ticketing.journal.birds import Birds
from ticketing.journal.walk import searches_made
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.ladder.early_bird import distance_by_chance, uninformative
from ticketing.plans.costs import FLOPS_PER_MULTIPLY_ADD, FORWARDS_PER_UPDATE
from ticketing.recipe import EarlyBird


def bird_document(
    bench: Bench[EarlyBird],
    birds: Birds,
    *,
    judge: Judge,
    judged: Sequence[int],
    delivered: Mapping[str, Any],
    labels: Mapping[str, str],
    provenance: Mapping[str, Any],
    warnings: Sequence[Mapping[str, str]],
    sizes: Mapping[str, Any],
) -> dict[str, Any]:
    """Gather the whole report as plain JSON values; accuracies are fractions, sparsity is the fraction removed.

    Args:
        bench: Of the finished run.
        birds: What its searches found.
        judge: Reads its evidence.
        judged: Levels that were taken to the test split.
        delivered: The delivered ticket: level, accuracies, digests.
        labels: Of the job.
        provenance: As `provenance.json` holds it.
        warnings: What a reader must know, as {code, detail}.
        sizes: Bytes of the files.
    """
    recipe, level = bench.recipe, delivered["level"]
    rows = level_rows(bench, birds, judge=judge, judged=judged, delivered=level)
    return {
        "report_version": REPORT_VERSION,
        "job": dict(labels),
        "search": {
            "name": recipe.search,
            "levels": level,
            "searches": searches_made(bench),
            "rewind": recipe.then,
            "delivered_level": level,
            "test_accuracy": delivered["test"]["accuracy"],
            "delivered": dict(delivered),
            "best": None,
        },
        # No level has a regime: the dense network beside them was stopped before it fitted what it can.
        "levels": [row | {"regime": None} | _narrowed(bench, birds, row["level"]) for row in rows],
        "settling": [_settling(bench, birds, number) for number in range(1, level + 1)],
        "certificate": certificate_of(judge, level) if judged else None,
        "regime": None,
        "invariants": bench.invariants.as_json(),
        "cost": costs(bench, birds, judged=judged) | _beside(bench, birds, level),
        "sizes": dict(sizes),
        "provenance": dict(provenance),
        "recipe": recipe.model_dump(mode="json"),
        "dataset": dataset_of(bench),
        "model": model_of(bench),
        "warnings": [dict(warning) for warning in warnings],
        "curves": curves(bench, delivered=level),
    }


def _narrowed(bench: Bench[EarlyBird], birds: Birds, level: int) -> dict[str, Any]:
    """Say how wide the first search's network is at a level: channels, parameters, multiply-adds."""
    channels, listed = bench.channels, bench.subject.inventory
    if level == 0:
        return {"channels": None, "parameters": listed.parameters_total, "multiply_adds": listed.multiply_adds}
    kept, ranked = birds.kept(0, level), channels.standing(scales(listed))
    narrow = slim_inventory(listed, channels, kept)
    return {
        "channels": {
            "sparsity": bench.recipe.channel_sparsities[level - 1],
            "kept": int(kept[ranked].sum()),
            "total": int(ranked.sum()),
            "rescued": list(birds.rescued(0, level)),
        },
        "parameters": narrow.parameters_total,
        "multiply_adds": narrow.multiply_adds,
    }


def _settling(bench: Bench[EarlyBird], birds: Birds, level: int) -> dict[str, Any]:
    """Tell how a share of the channels settled in every search: when, and how far apart the masks of any two epochs
    were; the distances of the first search alone."""
    share = bench.recipe.channel_sparsities[level - 1]
    ranked = bench.channels.standing(scales(bench.subject.inventory)).numpy()
    found = [birds.found(replicate).get(level) for replicate in range(searches_made(bench))]
    matrix = distances([mask[ranked] for mask in birds.masks(0, level)])
    return {
        "level": level,
        "channel_sparsity": share,
        "found": found,
        "epochs_watched": birds.epochs(0),
        "distance_by_chance": distance_by_chance(share),
        "threshold_uninformative": uninformative(share, bench.recipe.threshold),
        "distances": [[round(float(value), 6) for value in row] for row in matrix],
    }


def _beside(bench: Bench[EarlyBird], birds: Birds, level: int) -> dict[str, Any]:
    """Set what the delivered network took, the search and its own training, beside one dense training, and beside
    train, prune, retrain: a dense training to the end, and the slim network trained for as long again."""
    batch = min(bench.recipe.training.batch_size, len(bench.data.y_train))
    steps = bench.recipe.training.length.iterations(bench.per_epoch)
    update = FLOPS_PER_MULTIPLY_ADD * FORWARDS_PER_UPDATE * batch
    dense = update * steps * bench.subject.inventory.multiply_adds
    slim = slim_inventory(bench.subject.inventory, bench.channels, birds.kept(0, level)).multiply_adds
    ran = [bench.result(Where.of_search(0, at)) for at in (0, level)]
    one = sum(
        update * result.updates * (result.multiply_adds or bench.subject.inventory.multiply_adds) for result in ran
    )
    again = dense + update * steps * slim
    return {
        "delivered_flops": one,
        "dense_training_flops": dense,
        "train_prune_retrain_flops": again,
        "train_prune_retrain_over_delivered": again / one,
    }
