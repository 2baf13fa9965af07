"""The mask of a level, drawn from what the level before it trained to; knows no way through the levels."""

from collections.abc import Mapping

from ticketing.actions import with_initial
from ticketing.channels.slimming import weight_mask
from ticketing.journal.facts import say_mask_drawn
from ticketing.journal.findings import Findings
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import groups
from ticketing.mask import Mask
from ticketing.pruning.channels import choose_channels
from ticketing.pruning.n_of_m import keep_in_blocks
from ticketing.pruning.scope import select
from ticketing.pruning.scoring import Scores, scored


def draw(bench: Workbench, found: Findings, where: Where, *, counts: Mapping[str, int], after: int) -> None:
    """Draw the mask of the level `where` from what level `after` trained to, keep it, and say so.

    Args:
        bench: Of the run.
        found: What its searches found; the mask and what is decided with it are kept there.
        where: The beginning of the level.
        counts: Entries that every competition group keeps.
        after: The level that is cut: its mask and trained weights decide.

    Raises:
        CollapseError: A parameter would keep nothing, and the recipe does not allow it.
        NonFiniteScoreError: A score is NaN or infinite.
        InvariantError: The mask is not what was asked for.
    """
    bench.phase("prune")
    replicate, level = where.replicate, where.level
    name = f"level {level}, replicate {replicate}"
    if bench.recipe.removes_channels:
        kept = choose_channels(bench, found, replicate, level, after=after)
        mask = weight_mask(bench.channels, kept, bench.subject.shapes)
        _check(bench, mask, counts, within=found.mask(replicate, after), name=name)
        found.keep_mask(replicate, level, mask)
        say_mask_drawn(bench, where, mask, channels_kept=int(kept.sum()))
        return
    scores = scored(bench, found, replicate, level, after=after)
    mask = selected(bench, scores, counts, within=found.mask(replicate, after), name=name)
    found.keep_mask(replicate, level, mask)
    if found.actions.holds:
        _decide_what_is_held(found, replicate, level, after)
    if (ineligible := scores.ineligible_in(mask)) is not None:
        found.keep_ineligible(replicate, level, ineligible)
    say_mask_drawn(bench, where, mask, **({} if ineligible is None else {"ineligible_kept": ineligible}))


def selected(bench: Workbench, scores: Scores, counts: Mapping[str, int], *, within: Mask, name: str) -> Mask:
    """Keep the entries of the highest scores, so many of every competition group or block, and check what came.

    Args:
        bench: Of the run.
        scores: Of all prunable parameters.
        counts: Entries that every competition group keeps.
        within: The mask so far.
        name: Of the mask, for the error.

    Raises:
        CollapseError: A parameter would keep nothing, and the recipe does not allow it.
        InvariantError: The mask is not what was asked for.
    """
    members, collapse = groups(bench.subject.inventory, bench.recipe), bench.recipe.allow_collapse
    if (block := bench.recipe.block) is None:
        mask = select(scores.of, counts, members, within=within, allow_collapse=collapse, ties=scores.ties)
    else:
        mask = keep_in_blocks(scores.of, counts, block, within=within, ties=scores.ties)
    _check(bench, mask, counts, within=within, name=name)
    bench.invariants.structured(mask, block, name=name)
    return mask


def _check(bench: Workbench, mask: Mask, counts: Mapping[str, int], *, within: Mask, name: str) -> None:
    bench.invariants.mask_drawn(
        mask,
        before=within,
        counts=counts,
        groups=groups(bench.subject.inventory, bench.recipe),
        allow_collapse=bench.recipe.allow_collapse,
        name=name,
    )


def _decide_what_is_held(found: Findings, replicate: int, level: int, after: int) -> None:
    """Keep which entries the level begins with at their initial weight: its mask and what was trained decide."""
    initial = with_initial(
        found.actions.pruned,
        before=found.mask(replicate, after),
        mask=found.mask(replicate, level),
        initial_before=found.initial_of(replicate, after),
        initial=found.untrained(replicate, after),
        trained=found.latest(replicate),
    )
    found.keep_initial_of(replicate, level, initial)
