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
from pathlib import Path

from ticketing.checkpoint import Broken, Content, read_checkpoint
from ticketing.counts import groups, kept_counts
from ticketing.errors import CheckpointError
from ticketing.facts import say_completed, say_mask_drawn
from ticketing.findings import Findings
from ticketing.folder import START, RunSpec, StartSpec
from ticketing.provenance import run_digest
from ticketing.rewinding import Restart
from ticketing.start import keeps_restarts, taken_over
from ticketing.where import Where
from ticketing.workbench import Workbench


def take_over(bench: Workbench, found: Findings, folder: Path, *, spec: RunSpec, restart: Restart) -> None:
    """Fill a fork's empty journal from its parent's checkpoint, say what is known of those levels, and save.

    Args:
        bench: Of the fork, before anything was trained.
        found: Reads and writes its journal.
        folder: Of the run; `start/checkpoint.safetensors` is the parent's.
        spec: Of the run, with a start.
        restart: How the fork's levels restart.

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
    for replicate in range(searches):
        for piece in _needed(bench, replicate, start.level, restart=restart):
            _copy(parent, bench, piece)
        for piece in (f"ineligible/{replicate}/{below + 1}" for below in range(start.level)):
            if piece in parent.facts:
                _copy(parent, bench, piece)
        for level in range(start.level):
            bench.journal.facts[Where.of_search(replicate, level).piece]["inherited"] = True
        if restart.from_trained:
            _take_latest(parent, bench, found, replicate, start.level)
        _check_masks(bench, found, replicate, start)
    for replicate in range(searches):
        _say(bench, found, replicate, start.level)
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


def _needed(bench: Workbench, replicate: int, level: int, *, restart: Restart) -> Iterator[str]:
    for below in range(level):
        yield Where.of_search(replicate, below).piece
        yield f"mask/{replicate}/{below + 1}"
        if bench.recipe.pruned != "zero":
            yield f"initial/{replicate}/{below + 1}"
    if restart.first_step:
        yield f"point/{replicate}"
    if keeps_restarts(bench.recipe):
        yield from (f"restart/{replicate}/{below}" for below in range(1, level))
    if replicate == 0 and bench.recipe.keep_levels == "models":
        yield from (f"trained/0/{below}" for below in range(level))


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


def _check_masks(bench: Workbench, found: Findings, replicate: int, start: StartSpec) -> None:
    ladder = kept_counts(bench.subject.inventory, bench.recipe, start)
    for level in range(1, start.level + 1):
        bench.invariants.mask_drawn(
            found.mask(replicate, level),
            before=found.mask(replicate, level - 1),
            counts=ladder[level],
            groups=groups(bench.subject.inventory, bench.recipe),
            allow_collapse=bench.recipe.allow_collapse,
            name=f"level {level}, replicate {replicate}, taken over from {start.job}",
        )


def _say(bench: Workbench, found: Findings, replicate: int, start_level: int) -> None:
    for level in range(start_level + 1):
        where, mask = Where.of_search(replicate, level), found.mask(replicate, level)
        if level:
            say_mask_drawn(bench, where, mask, inherited=True)
        if level < start_level:
            say_completed(bench, where, mask, bench.result(where), inherited=True)
