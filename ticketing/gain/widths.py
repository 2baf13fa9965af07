"""Finds how narrow a network must be for a target, by bisection on the share of channels that every set of them loses.
Trains nothing."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import torch

from ticketing.channels import Channels, Kept
from ticketing.gain.measured import Candidate
from ticketing.gain.target import SECONDS, Verdict, finest, judge_of, measured_under, refuse_the_ends, smallest
from ticketing.ladder.channels import ChannelSets, Counts, narrowed
from ticketing.recipe import Iterative
from ticketing.subject import Subject


def widths(
    subject: Subject,
    recipe: Iterative,
    channels: Channels,
    sets: ChannelSets,
    *,
    seconds: float = SECONDS,
    between: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Find the widest network within a recipe's target, to a thousandth of the share that every set loses, or where it
    is timed to a hundredth.

    Which channels stay does not matter to any figure, so those of the trial are the first ones, and its weights the
    initial ones.

    Args:
        subject: The network.
        recipe: With a target of the slim network.
        channels: Of the network.
        sets: Its channels by who competes with whom.
        seconds: As `judge_of` takes it.
        between: As `judge_of` takes it.

    Returns:
        `kept`, a count for every set; `tried`, every network in the order they were looked at; and where times were
        measured `threads` and `version` of the runtime. Plain values.

    Raises:
        RecipeError: The dense network is within the target already, the narrowest one is not, or the runtime is not
            installed.
    """
    target = recipe.target
    assert target is not None
    judge = judge_of(target, subject, seconds=seconds, between=between)
    parts, tried = finest(target), dict[Counts, tuple[float, Verdict]]()

    def counts(part: int) -> Counts:
        return narrowed(subject.inventory, recipe, sets, Fraction(part, parts))

    def verdict(part: int) -> Verdict:
        if (kept := counts(part)) not in tried:
            slim = Candidate.slim(subject, subject.initial_state, channels, _first(channels, sets, kept))
            tried[kept] = (part / parts, judge(slim))
        return tried[kept][1]

    refuse_the_ends(target, dense=partial(verdict, 0), narrowest=partial(verdict, parts))
    end = smallest(lambda part: verdict(part).within, 0, parts)
    rows = [{"kept": kept, "share": share, **came._asdict()} for kept, (share, came) in tried.items()]
    return {"kept": list(counts(end)), "tried": rows, **measured_under(target)}


def _first(channels: Channels, sets: ChannelSets, counts: Counts) -> Kept:
    """Keep the first channels of every set."""
    kept = torch.zeros(channels.count, dtype=torch.bool)
    for alike, count in zip(sets.sets, counts, strict=True):
        kept[list(alike.channels[:count])] = True
    return kept
