"""Takes over from a parent's checkpoint what a fork begins with: masks, figures, restarts; trains nothing.

Of every search that had reached the level k of a `StartSpec`, a fork's journal then holds

| piece                        | of levels | what                                                                |
| `search/r/dense/0`, `search/r/ticket/l` | 0 to k-1  | results and curves, each marked `inherited`             |
| `mask/r/l`                   | 1 to k    | the masks, checked again against the ladder                         |
| `initial/r/l`, `ineligible/r/l` | 1 to k | what else was decided with the masks, where something was           |
| `point/r`                    |           | the parent's rewind point, where the fork rewinds to a later update |
| `latest/r`                   | k-1       | what it trained to, where the fork restarts from trained weights    |
| `restart/r/l`, `trained/0/l` | below k   | where the fork judges or exports those levels                       |

Level k is trained anew on that, under the fork's own recipe; a search that is not there is walked from level 0.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ticketing.actions import Actions
from ticketing.errors import CheckpointError
from ticketing.folder import START, RunSpec, StartSpec
from ticketing.journal.checkpoint import Broken, Content, read_checkpoint
from ticketing.journal.facts import say_completed, say_mask_drawn
from ticketing.journal.findings import Findings
from ticketing.journal.provenance import run_digest
from ticketing.journal.reuse import offer
from ticketing.journal.structure import sets_in
from ticketing.journal.walk import allowed_drop
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import groups, kept_counts
from ticketing.ladder.ways import Walked, sorted_out
from ticketing.plans.start import keeps_restarts, taken_over
from ticketing.training.rewinding import STABILITY, Restart, restart_of, settled


def take_over(bench: Workbench, folder: Path, *, spec: RunSpec) -> None:
    """Fill a fork's empty journal from its parent's checkpoint, say what is known of those levels, and save.

    Args:
        bench: Of the fork, before anything was trained.
        folder: Of the run; `start/checkpoint.safetensors` is the parent's.
        spec: Of the run, with a start.

    Raises:
        CheckpointError: The checkpoint is damaged, of another model, dataset or recipe than the fork was told, or
            does not hold what the fork needs.
        InvariantError: A mask in it does not have the counts of the parent's ladder.
    """
    start = spec.start
    assert start is not None
    parent = _parents(folder / START, spec, start)
    _warn_of_other_hardware(bench, start, parent)
    searches = taken_over(bench.recipe, start)
    if bench.recipe.rewind == "auto":
        _take_choice(parent, bench, start)
    restart = restart_of(settled(bench.recipe, bench.journal.facts), per_epoch=bench.per_epoch)
    found = Findings(
        bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed, actions=Actions.of(bench.recipe)
    )
    levels = _levels(parent, start)
    for replicate in range(searches):
        for piece in _needed(bench, replicate, levels, restart=restart):
            _copy(parent, bench, piece)
        for piece in (f"ineligible/{replicate}/{above}" for above in levels[1:]):
            if piece in parent.facts:
                _copy(parent, bench, piece)
        for level in levels[:-1]:
            bench.journal.facts[Where.of_search(replicate, level).piece]["inherited"] = True
        if restart.from_trained:
            _take_latest(parent, bench, found, replicate, start.level)
        _check_masks(bench, found, replicate, start, levels)
    for replicate in range(searches):
        _say(bench, found, replicate, levels)
    offer(bench, parent.facts, parent.tensors)
    bench.save(Where.of_search(0, start.level, restart.first_step))


def _parents(file: Path, spec: RunSpec, start: StartSpec) -> Content:
    try:
        content = read_checkpoint(file, sha256=start.sha256)
    except Broken as reason:
        raise CheckpointError(f"expected the checkpoint of {start.job} to start from, got: {reason}") from None
    expected = run_digest(spec.model_copy(update={"start": start.start}), start.recipe)
    if content.run != expected:
        raise CheckpointError(
            f"expected a checkpoint of run {expected}: this model and dataset under the recipe of {start.job}, "
            f"got one of {content.run}"
        )
    return content


def _warn_of_other_hardware(bench: Workbench, start: StartSpec, parent: Content) -> None:
    """Say that the bits from here on may not be those the parent would have had; the recipe's own part may differ."""
    own, theirs = bench.journal.execution_key, parent.execution_key
    if any(own.get(part) != theirs.get(part) for part in ("device", "torch", "cuda", "threads")):
        detail = f"goes on from levels of {start.job} that were made under {theirs}; the last bits may differ"
        bench.say("warning", code="started_on_different_hardware", detail=detail)


def _take_choice(parent: Content, bench: Workbench, start: StartSpec) -> None:
    """Take what the parent chose in place of `auto`; a check on a sparse level below is its own too."""
    _copy(parent, bench, STABILITY)
    chosen = bench.journal.facts[STABILITY]
    chosen["inherited"] = True
    sparse = chosen["sparse"]
    chosen["sparse"] = sparse | {"inherited": True} if sparse and sparse["level"] < start.level else None


def _levels(parent: Content, start: StartSpec) -> list[int]:
    """List the levels taken over and then the one to start from: of a parent that went to an accuracy drop, those on
    its ticket's way, and only one of them can be started from."""
    levels = range(start.level + 1)
    drop = allowed_drop(start.recipe)
    if drop is None:
        return [at for at in levels if f"mask/0/{at}" in parent.facts or Where.of_search(0, at).piece in parent.facts]
    known = ((at, parent.facts.get(Where.of_search(0, at).piece)) for at in levels)
    within = sorted_out([Walked(at, facts["accuracy"]) for at, facts in known if facts], drop)[0]
    if start.level not in within:
        raise CheckpointError(f"expected a level on the way of {start.job}: {within} up to there, got {start.level}")
    return within


def _needed(bench: Workbench, replicate: int, levels: list[int], *, restart: Restart) -> Iterator[str]:
    for below, above in pairwise(levels):
        yield Where.of_search(replicate, below).piece
        yield f"mask/{replicate}/{above}"
        if bench.recipe.pruned != "zero":
            yield f"initial/{replicate}/{above}"
    if restart.first_step:
        yield f"point/{replicate}"
    if restart.from_trained and keeps_restarts(bench.recipe):
        yield from (f"restart/{replicate}/{below}" for below in levels[1:-1])
    if replicate == 0 and bench.recipe.keep_levels == "models":
        yield from (f"trained/0/{below}" for below in levels[:-1])


def _copy(parent: Content, bench: Workbench, piece: str) -> None:
    if piece not in parent.facts:
        raise CheckpointError(f"expected {piece} in the parent's checkpoint, got none: it stood at {parent.where}")
    bench.journal.record(piece, parent.facts[piece], parent.tensors.get(piece))


def _take_latest(parent: Content, bench: Workbench, found: Findings, replicate: int, level: int) -> None:
    """Take what the level before the start trained to, in whichever form the parent still has it."""
    kept = f"restart/{replicate}/{level}"
    if kept in parent.facts:
        _copy(parent, bench, kept)
        found.keep_latest(replicate, found.rewind_point(replicate, level))
        bench.journal.forget(kept)
    elif parent.where.piece == Where.of_search(replicate, level).piece:
        _copy(parent, bench, f"latest/{replicate}")
    else:
        raise CheckpointError(f"expected what level {level - 1} trained to, got a checkpoint at {parent.where}")


def _check_masks(bench: Workbench, found: Findings, replicate: int, start: StartSpec, levels: list[int]) -> None:
    ladder = kept_counts(bench.subject.inventory, bench.recipe, start, sets_in(bench))
    for below, level in pairwise(levels):
        name = f"level {level}, replicate {replicate}, taken over from {start.job}"
        bench.invariants.mask_drawn(
            found.mask(replicate, level),
            before=found.mask(replicate, below),
            counts=ladder[level],
            groups=groups(bench.subject.inventory, bench.recipe),
            allow_collapse=bench.recipe.allow_collapse,
            name=name,
        )
        bench.invariants.structured(found.mask(replicate, level), bench.recipe.block, name=name)


def _say(bench: Workbench, found: Findings, replicate: int, levels: list[int]) -> None:
    for level in levels:
        where, mask = Where.of_search(replicate, level), found.mask(replicate, level)
        if level:
            say_mask_drawn(bench, where, mask, inherited=True)
        if level < levels[-1]:
            say_completed(bench, where, mask, bench.result(where), inherited=True)
