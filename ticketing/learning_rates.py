"""The learning rate of every update, from a recipe's schedule; knows no optimizer."""

from bisect import bisect_right
from collections.abc import Callable

from ticketing.recipe import Milestones, Training


def learning_rates(training: Training, per_epoch: int) -> Callable[[int], float]:
    """Give the function from an update's number (0 is the first) to its learning rate.

    A warm-up of W updates is linear: update s has (s + 1) / W of the rate, so that none is spent at 0 and
    update W - 1 is the first at the full rate. A milestone multiplies the rate of every update from its step on.

    Args:
        training: Optimizer (whose rate is the full one) and schedule.
        per_epoch: Updates in an epoch.
    """
    full, schedule = training.optimizer.learning_rate, training.schedule
    warmup = schedule.warmup.iterations(per_epoch)
    steps = sorted(s.iterations(per_epoch) for s in schedule.at) if isinstance(schedule, Milestones) else []
    factor = schedule.factor if isinstance(schedule, Milestones) else 1.0

    def rate(step: int) -> float:
        dropped = full * factor ** bisect_right(steps, step)
        return dropped * (step + 1) / warmup if step < warmup else dropped

    return rate


def last_learning_rate(training: Training, per_epoch: int) -> float:
    """Give the learning rate of the last update: the one that fine-tuning goes on with."""
    return learning_rates(training, per_epoch)(training.length.iterations(per_epoch) - 1)
