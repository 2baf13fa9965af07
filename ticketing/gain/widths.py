"""Finds how narrow a network must be for a target, by bisection on the share of channels that every set of them loses;
every network it looks at is built, and measured where the target is one of time. Trains nothing."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch

from ticketing.channels import Channels, Kept
from ticketing.errors import Fault, RecipeError
from ticketing.gain.latency import measure
from ticketing.gain.measured import RUNTIMES, Candidate
from ticketing.graphs.tracing import examples
from ticketing.ladder.channels import ChannelSets, Counts, narrowed
from ticketing.recipe import Iterative, Target
from ticketing.subject import Subject

SECONDS = 0.5
"""Of every network, dense beside it."""
COUNTED, TIMED = 1000, 100
"""Shares are whole multiples of one part in so many: what is timed differs less between finer ones than by chance."""


@dataclass(frozen=True)
class Tried:
    """One network that was looked at."""

    kept: Counts
    """Channels of every set."""
    share: float
    """Of the channels of every set, removed."""
    multiply_adds: int
    figure: float
    """What the target bounds: multiply-adds, times as fast as dense, or milliseconds of a batch."""
    interval: tuple[float, float] | None
    """95 %, of times as fast as dense."""
    within: bool
    """Whether the figure is within the target; of `speedup` the lower end of the interval."""


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
        seconds: That each network is timed for, as `ticketing.gain.latency.measure` takes it.
        between: Called after every run that is timed; what it raises ends the search.

    Returns:
        `kept`, a count for every set; `tried`, every network in the order they were looked at; and where times were
        measured `threads` and `version` of the runtime. Plain values.

    Raises:
        RecipeError: The dense network is within the target already, the narrowest one is not, or the runtime is not
            installed.
    """
    target = recipe.target
    assert target is not None
    judge = _judge(target, subject, seconds=seconds, between=between)
    finest = COUNTED if target.runtime is None else TIMED
    tried: dict[Counts, Tried] = {}

    def at(part: int) -> Tried:
        share = Fraction(part, finest)
        counts = narrowed(subject.inventory, recipe, sets, share)
        if counts not in tried:
            slim = Candidate.slim(subject, subject.initial_state, channels, _first(channels, sets, counts))
            tried[counts] = Tried(counts, float(share), slim.multiply_adds, *judge(slim))
        return tried[counts]

    if target.speedup is None and at(0).within:  # dense is as fast as itself
        raise _no_end(target, "removes_nothing", "the dense network does not meet", at(0))
    if not at(finest).within:
        raise _no_end(target, "out_of_reach", "the narrowest network meets", at(finest))
    end = at(smallest(lambda part: at(part).within, 0, finest))
    return {"kept": list(end.kept), "tried": [asdict(one) for one in tried.values()], **_measured_under(target)}


def smallest(true: Callable[[int], bool], low: int, high: int) -> int:
    """Give the smallest number above `low` at which something is true, if it is so from there on, by bisection.

    Args:
        true: False at `low`, true at `high`.
        low: Below it.
        high: At most it.
    """
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle, high)
    return high


Verdict = tuple[float, tuple[float, float] | None, bool]
"""The last three fields of `Tried`."""


def _judge(
    target: Target, subject: Subject, *, seconds: float, between: Callable[[], None]
) -> Callable[[Candidate], Verdict]:
    """Give what holds a network against a target."""
    if (most := target.max_macs) is not None:
        return lambda slim: (float(slim.multiply_adds), None, slim.multiply_adds <= most)
    runtime, size = target.runtime, target.batch_size
    assert runtime is not None
    assert size is not None
    if find_spec(runtime) is None:
        installed = tuple(name for name in RUNTIMES if find_spec(name) is not None)
        detail = f"expected a runtime that is installed on the worker, got {runtime}"
        raise RecipeError(detail, [Fault("/recipe/target/runtime", "not_installed", detail, installed)])
    x, threads = examples(subject.inventory, size), torch.get_num_threads()

    def runner(of: Candidate) -> Callable[[], object]:
        return partial(RUNTIMES[runtime](of.network, subject.inventory, threads), x)

    dense = runner(Candidate.of(subject.module, subject.initial_state, subject.inventory))

    def timed(slim: Candidate) -> Verdict:
        # In turns with dense, as at the end.
        found = measure({"dense": dense, "slim": runner(slim)}, seconds=seconds, between=between)["slim"]
        if target.speedup is not None:
            return found.faster, found.interval, found.interval[0] >= target.speedup
        assert target.max_latency_ms is not None
        return found.p50, None, found.p50 <= target.max_latency_ms

    return timed


def _measured_under(target: Target) -> dict[str, Any]:
    if target.runtime is None:
        return {}
    return {"threads": torch.get_num_threads(), "version": importlib.metadata.version(target.runtime)}


def _first(channels: Channels, sets: ChannelSets, counts: Counts) -> Kept:
    """Keep the first channels of every set."""
    kept = torch.zeros(channels.count, dtype=torch.bool)
    for alike, count in zip(sets.sets, counts, strict=True):
        kept[list(alike.channels[:count])] = True
    return kept


def _no_end(target: Target, code: str, expected: str, tried: Tried) -> RecipeError:
    word = target.of_slim
    asked = getattr(target, str(word))
    detail = f"expected a {word} that {expected}, whose figure is {tried.figure:.6g}, got {asked:.6g}"
    return RecipeError(detail, [Fault(f"/recipe/target/{word}", code, detail)])
