"""What is said of a level of a search, found here or taken over from a parent; decides nothing."""

from typing import Any

from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import AnyOf, Bench
from ticketing.mask import Mask


def say_mask_drawn(bench: Bench[AnyOf], where: Where, mask: Mask, **more: Any) -> None:
    """Say that a level's mask is known."""
    place = {"replicate": where.replicate, "level": where.level}
    bench.say("mask_drawn", **place, **_kept(mask), layers=mask.counts(), **more)


def say_completed(bench: Bench[AnyOf], where: Where, mask: Mask, result: Result, **more: Any) -> None:
    """Say that a level is trained."""
    bench.say(
        "level_completed",
        replicate=where.replicate,
        level=where.level,
        **_kept(mask),
        validation_accuracy=result.accuracy,
        validation_loss=result.loss,
        early_stop_step=result.early_stop_step,
        censored=result.censored,
        train_accuracy=result.train_accuracy,
        train_loss=result.train_loss,
        seconds=round(result.seconds, 3),
        updates=result.updates,
        **more,
    )


def _kept(mask: Mask) -> dict[str, float]:
    return {"kept": mask.kept_count, "total": mask.total, "sparsity": mask.sparsity}
