"""What a fork may take over from its parent; arithmetic over recipes, opens no checkpoint."""

from collections.abc import Mapping
from typing import Any

from ticketing.architectures import Inventory
from ticketing.folder import StartSpec
from ticketing.ladder.counts import kept_counts
from ticketing.recipe import Evidence, Iterative
from ticketing.step import Step


def overridden(parent: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what a fork asks for over its parent's resolved recipe, as a JSON merge patch (RFC 7396): null removes.

    A part of another kind (`name` differs) replaces the parent's, and a `target` replaces its `levels` or the other
    way round, for a recipe has one of them.
    """
    merged = dict(parent)
    for field, value in overrides.items():
        below = merged.get(field)
        if value is None:
            merged.pop(field, None)
        elif isinstance(value, Mapping) and isinstance(below, Mapping):
            another_kind = value.get("name", below.get("name")) != below.get("name")
            merged[field] = overridden({} if another_kind else below, value)
        else:
            merged[field] = overridden({}, value) if isinstance(value, Mapping) else value
    if overrides.get("target"):
        merged["target"] = dict(overrides["target"])
    for asked, replaced in (("target", "levels"), ("levels", "target")):
        if overrides.get(asked) is not None and overrides.get(replaced) is None:
            merged.pop(replaced, None)
    return merged


def start_from(
    *,
    job: str,
    level: int,
    sha256: str,
    where: Mapping[str, Any],
    parent: Iterative,
    parent_start: StartSpec | None,
    recipe: Iterative,
    inventory: Inventory,
) -> StartSpec | None:
    """Say how a fork starts from one checkpoint of its parent; None when that checkpoint does not hold the level.

    A level is held once its mask is drawn. With `rewind` `lr` or `none` it restarts from what the level before
    trained to: that is held while the search is at the level; afterwards of the parent's last level, and of all of
    them where the parent kept restarts (`keep_levels: models`, or `evidence.levels` other than
    `delivered`).

    Args:
        job: The parent's id.
        level: The first that is trained anew.
        sha256: Of the checkpoint.
        where: What the parent had reached in it: replicate, stage, level.
        parent: Its resolved recipe.
        parent_start: Where it started from itself, when it is a fork.
        recipe: The fork's resolved recipe.
        inventory: The network's layers.

    Raises:
        RecipeError: The parent's own ladder cannot be walked.
    """
    last = len(kept_counts(inventory, parent, parent_start)) - 1
    if not 1 <= level <= last:
        return None
    searches = _reached(parent, where, level)
    if recipe.rewind in ("lr", "none"):
        searches = _restarts_held(parent, where, level, last=last, reached=searches)
    if searches == 0:
        return None
    return StartSpec(job=job, level=level, sha256=sha256, recipe=parent, searches=searches, start=parent_start)


def searches_of(evidence: Evidence) -> int:
    """Count the searches that an evidence takes: at least one."""
    return max(1, evidence.replicates if evidence.replicates_of == "search" else 1)


def restarts_from_trained(recipe: Iterative) -> bool:
    """Say whether a level restarts from what the one before trained to, rather than from a point of the dense run."""
    return not isinstance(recipe.rewind, Step)


def keeps_restarts(recipe: Iterative) -> bool:
    """Say whether what a level restarts from is kept of every level, where no rewind point could give it back.

    With `auto` only the run knows whether one can; a fork can be promised every level if all are kept then.
    """
    for_all = recipe.evidence.levels != "delivered" or recipe.keep_levels == "models" or recipe.rewind == "auto"
    return restarts_from_trained(recipe) and for_all


def taken_over(recipe: Iterative, start: StartSpec | None) -> int:
    """Count the searches of a run that begin at the parent's level; any others are walked from level 0."""
    return 0 if start is None else min(start.searches, searches_of(recipe.evidence))


def recipe_of_level(level: int, recipe: Iterative, start: StartSpec | None) -> Iterative:
    """Give the recipe under which a level of a search that was taken over was trained, however many forks ago."""
    while start is not None and level < start.level:
        recipe, start = start.recipe, start.start
    return recipe


def _reached(parent: Iterative, where: Mapping[str, Any], level: int) -> int:
    """Count the parent's searches, from the first on, that have drawn the mask of a level.

    Of a parent with a budget nobody knows here where it ended the first search: only up to the level that the
    checkpoint stands at is there no doubt.
    """
    first_is_done = where["stage"] == "certificate" or where["replicate"] > 0
    if parent.budget is not None and first_is_done and level > where["level"]:
        return 0
    if where["stage"] == "certificate":
        return searches_of(parent.evidence)
    return int(where["replicate"]) + int(where["level"] >= level)


def _restarts_held(parent: Iterative, where: Mapping[str, Any], level: int, *, last: int, reached: int) -> int:
    """Count those of them of which it is also held what the level before trained to."""
    if keeps_restarts(parent) or (restarts_from_trained(parent) and level == last):
        return reached
    if parent.target is not None and parent.target.max_accuracy_drop is not None:
        return 0
    # Only the search that is under way still has it; a fork needs it of the first search before all others.
    under_way = where["stage"] == "search" and where["replicate"] == 0 and where["level"] == level < last
    return int(under_way)
