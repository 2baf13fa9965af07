"""The learning rate of every update, from a recipe's schedule; knows no optimizer."""

from bisect import bisect_right
from collections.abc import Callable
from math import cos, pi

from ticketing.recipe import Cosine, Milestones, OneCycle, Schedule, Training


def learning_rates(training: Training, per_epoch: int) -> Callable[[int], float]:
    """Give the function from an update's number (0 is the first) to its learning rate.

    A warm-up of W updates is linear: update s has (s + 1) / W of the rate, so that none is spent at 0 and
    update W - 1 is the first at the full rate. A milestone multiplies the rate of every update from its step on.
    With T updates and p = (s - W) / (T - W), `cosine` has f + (1 - f) (1 + cos(pi p)) / 2 of the rate at update s
    from W on, and `one_cycle` 1 - p: neither comes to its end before the last update is made.

    Args:
        training: Optimizer (whose rate is the full one), schedule and length.
        per_epoch: Updates in an epoch.
    """
    full, schedule = training.optimizer.learning_rate, training.schedule
    length = training.length.iterations(per_epoch)
    warmup = warmup_of(schedule, length=length, per_epoch=per_epoch)
    share = _shares(schedule, warmup=warmup, length=length, per_epoch=per_epoch)

    def rate(step: int) -> float:
        after_warmup = full * share(step)
        return after_warmup * (step + 1) / warmup if step < warmup else after_warmup

    return rate


def spread_over(updates: int, training: Training, per_epoch: int) -> Callable[[int], float]:
    """Give the learning rates of a training of `updates` that runs through the whole schedule, faster or slower.

    With the T updates of `training.length`, update s of U has the rate of update floor(s T / U): as great a share of
    the training is behind both. A schedule that is cut off instead leaves the rate too high to compare what it trained
    (Li, Yumer & Ramanan 2020, arXiv 1905.04753).
    """
    rate, length = learning_rates(training, per_epoch), training.length.iterations(per_epoch)
    return lambda step: rate(step * length // updates)


def warmup_of(schedule: Schedule, *, length: int, per_epoch: int) -> int:
    """Count the updates of the warm-up; of `one_cycle` three tenths of the length where the recipe says nothing."""
    return length * 3 // 10 if schedule.warmup is None else schedule.warmup.iterations(per_epoch)


def _shares(schedule: Schedule, *, warmup: int, length: int, per_epoch: int) -> Callable[[int], float]:
    """Give the function from an update's number to its share of the full rate, warm-up aside."""

    def fallen(step: int) -> float:
        return max(0, step - warmup) / max(1, length - warmup)

    if isinstance(schedule, Milestones):
        steps, factor = sorted(s.iterations(per_epoch) for s in schedule.at), schedule.factor
        return lambda step: factor ** bisect_right(steps, step)
    if isinstance(schedule, Cosine):
        left = schedule.final_fraction
        return lambda step: left + (1 - left) * (1 + cos(pi * fallen(step))) / 2
    if isinstance(schedule, OneCycle):
        return lambda step: 1 - fallen(step)
    return lambda step: 1.0


def last_learning_rate(training: Training, per_epoch: int) -> float:
    """Give the learning rate of the last update: the one that fine-tuning goes on with."""
    return learning_rates(training, per_epoch)(training.length.iterations(per_epoch) - 1)
