"""Holds a slim network against a target of size or speed, and finds the widest within it by bisection; every network
it looks at is built, and measured where the target is one of time. Trains nothing."""

import importlib.metadata
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch

from ticketing.errors import Fault, RecipeError
from ticketing.gain.latency import measure
from ticketing.gain.measured import RUNTIMES, Candidate
from ticketing.graphs.tracing import examples
from ticketing.recipe import SlimTarget
from ticketing.subject import Subject

SECONDS = 0.5
"""Of every network, dense beside it."""
COUNTED, TIMED = 1000, 100
"""Shares are whole multiples of one part in so many: what is timed differs less between finer ones than by chance."""


class Verdict(NamedTuple):
    """One network against a target."""

    multiply_adds: int
    figure: float
    """What the target bounds: multiply-adds, times as fast as dense, or milliseconds of a batch."""
    interval: tuple[float, float] | None
    """95 %, of times as fast as dense."""
    within: bool
    """Whether the figure is within the target; of `speedup` the lower end of the interval."""


Judge = Callable[[Candidate], Verdict]


def judge_of(target: SlimTarget, subject: Subject, *, seconds: float, between: Callable[[], None]) -> Judge:
    """Give what holds a slim network against a target.

    Args:
        target: Of size or speed.
        subject: The whole network.
        seconds: That each network is timed for, as `ticketing.gain.latency.measure` takes it.
        between: Called after every run that is timed; what it raises ends the measurement.

    Raises:
        RecipeError: The runtime is not installed.
    """
    if (most := target.max_macs) is not None:
        return partial(_counted, most)
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
            return Verdict(slim.multiply_adds, found.faster, found.interval, found.interval[0] >= target.speedup)
        assert target.max_latency_ms is not None
        return Verdict(slim.multiply_adds, found.p50, None, found.p50 <= target.max_latency_ms)

    return timed


def _counted(most: int, slim: Candidate) -> Verdict:
    return Verdict(slim.multiply_adds, float(slim.multiply_adds), None, slim.multiply_adds <= most)


def measured_under(target: SlimTarget) -> dict[str, Any]:
    """Say what its times are of: `threads` and `version` of the runtime; nothing where it is counted."""
    if target.runtime is None:
        return {}
    return {"threads": torch.get_num_threads(), "version": importlib.metadata.version(target.runtime)}


def finest(target: SlimTarget) -> int:
    """Say of how many parts a share is a whole multiple."""
    return COUNTED if target.runtime is None else TIMED


def refuse_the_ends(target: SlimTarget, *, dense: Callable[[], Verdict], narrowest: Callable[[], Verdict]) -> None:
    """Refuse a target that the dense network meets already, or that the narrowest one does not meet.

    Raises:
        RecipeError: With the figure it has.
    """
    if target.speedup is None and (came := dense()).within:  # dense is as fast as itself
        raise _no_end(target, "removes_nothing", "the dense network does not meet", came)
    if not (came := narrowest()).within:
        raise _no_end(target, "out_of_reach", "the narrowest network meets", came)


def smallest(true: Callable[[int], bool], low: int, high: int, *, near: int | None = None) -> int:
    """Give the smallest number above `low` at which something is true, if it is so from there on, by bisection.

    Args:
        true: False at `low`, true at `high`.
        low: Below it.
        high: At most it.
        near: Where it may be: asked first, and then ever further away from there until it is passed.
    """
    step = 1
    if near is not None and low < near < high:
        if true(near):
            high = near
            while high - step > low and true(high - step):
                high, step = high - step, 2 * step
            low = max(low, high - step)
        else:
            low = near
            while low + step < high and not true(low + step):
                low, step = low + step, 2 * step
            high = min(high, low + step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle, high)
    return high


def _no_end(target: SlimTarget, code: str, expected: str, came: Verdict) -> RecipeError:
    word = target.of_slim
    asked = getattr(target, str(word))
    detail = f"expected a {word} that {expected}, whose figure is {came.figure:.6g}, got {asked:.6g}"
    return RecipeError(detail, [Fault(f"/recipe/target/{word}", code, detail)])
