"""One training from its first update to its last: rates, evaluations, checkpoints; knows no search and no file."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from ticketing.data.dataset import Dataset
from ticketing.errors import CheckpointError
from ticketing.mask import Mask
from ticketing.observer import Observer, Stopped
from ticketing.plans.learning_rates import last_learning_rate, learning_rates, spread_over
from ticketing.recipe import Training
from ticketing.step import iterations_per_epoch
from ticketing.subject import state_of
from ticketing.training.losses import Loss
from ticketing.training.pruning import Pruning
from ticketing.training.state import TrainingState, copies
from ticketing.training.trained import Trained
from ticketing.training.trainee import Trainee
from ticketing.training.watching import Seen, Watch


@dataclass(frozen=True)
class Checkpointing:
    """How a training saves where it is."""

    save: Callable[[TrainingState], None]
    every_seconds: float
    clock: Callable[[], float]
    """Monotonic, in seconds."""


def train(
    module: nn.Module,
    start: Mapping[str, Tensor],
    *,
    data: Dataset,
    training: Training,
    mask: Mask | None = None,
    hold: bool = False,
    order_seed: int,
    observer: Observer,
    first_step: int = 0,
    last_step: int | None = None,
    patience: int | None = None,
    fine_tune: bool = False,
    spread: bool = False,
    capture_at: Collection[int] = (),
    checkpointing: Checkpointing | None = None,
    resume: TrainingState | None = None,
    loss: Loss = functional.cross_entropy,
    pruning: Pruning | None = None,
    watch: Watch | None = None,
    block_floating: bool = False,
) -> Trained:
    """Train a network from `start`, pruned entries exactly zero (or what they hold) after every update.

    Optimizer and schedule start fresh. The batch of an update depends on its number and `order_seed` alone.
    The validation split is evaluated every `training.evaluate_every` and after the last update.
    With `resume` the result has the same bits as that of the training which was saved, had it gone on.

    Args:
        module: On the meta device or any other; it is copied.
        start: Whole state dict to start from; not changed.
        data: Prepared, on the device to train on.
        training: Length, batch size, optimizer, schedule, precision and evaluations.
        mask: True = kept; None trains densely.
        hold: Pruned entries keep what `start` has there instead of zero; there it has no -0.0.
        order_seed: Of the order of examples.
        observer: Told the progress, asked whether to stop after every update.
        first_step: Number of updates that `start` has behind it: late rewinding to k trains k to the end, at the
            learning rates and on the batches of those updates.
        last_step: Number of the schedule's updates at which to end, or with `spread` of updates; None for all of them.
        patience: End sooner, at the first evaluation after which so many in a row did not lower the minimum of the
            validation loss, but only after the last of `capture_at`; None never does.
        fine_tune: Keep the schedule's last learning rate throughout instead of replaying it.
        spread: Run through the whole schedule by `last_step`, faster or slower, instead of ending within it.
        capture_at: Numbers of updates after which to keep a copy of the state, `first_step` among them.
        checkpointing: When and where to save; None never does.
        resume: What a stopped training saved, in place of `start` and `first_step`.
        loss: What is made small, and what the validation split is evaluated by.
        pruning: A mask that shrinks on the way, in place of `mask`; entries go straight after an update, before the
            network is captured, evaluated or saved. What the training comes to is of its last mask.
        watch: Looks at weights on the way, pulls on them, and may have the state captured or the training end.
        block_floating: Hold every number in 8 bits (`BlockFloating`); with `training.precision` fp32 alone.

    Raises:
        Stopped: The observer asked to stop; the state was saved first if `checkpointing` is given.
        DivergedError: A training or validation loss is no longer finite.
        CheckpointError: `resume` is of another training.
    """
    if pruning is not None:
        if resume is not None:
            pruning.mask = Mask.unpack(resume.mask, {name: tuple(kept.shape) for name, kept in pruning.mask.items()})
        mask = pruning.mask
    if resume is not None:
        start = resume.state
    elif mask and not hold:
        start = mask.applied_to(start)
    words: dict[str, Any] = {"hold": hold, "loss": loss, "watch": watch, "block_floating": block_floating}
    trainee = Trainee(module, start, data, training, mask, order_seed, **words)
    if resume is None:
        trainee.begin(first_step)
    else:
        trainee.go_on(resume)
    per_epoch = iterations_per_epoch(len(data.y_train), training.batch_size)
    end = training.length.iterations(per_epoch) if last_step is None else last_step
    every = training.evaluate_every.iterations(per_epoch)
    rate = _rates(training, per_epoch, fine_tune=fine_tune, over=end if spread else None)
    if not first_step <= trainee.step < end:
        raise CheckpointError(f"expected to begin at a step of {first_step} to {end - 1}, got {trainee.step}")
    if trainee.step in capture_at:
        trainee.capture()
    saved_at = checkpointing.clock() if checkpointing else 0.0
    while True:
        trainee.update(rate(trainee.step))
        if pruning and (pruned := pruning.after(trainee.step, trainee.masked())) is not None:
            trainee.prune(pruned)
        seen = Seen() if watch is None else watch.after(trainee.step, trainee.named)
        if trainee.step in capture_at or seen.capture:
            trainee.capture()
        last = seen.end or trainee.step == end
        if last or trainee.step % every == 0:
            trainee.evaluate()
        observer.progress(step=trainee.step, steps_total=end)
        if last or _stalled(trainee, patience, not_before=max(capture_at, default=0)):
            return _trained(trainee, updates=trainee.step - first_step)
        stopping = observer.stop_requested()
        if checkpointing and (stopping or checkpointing.clock() - saved_at >= checkpointing.every_seconds):
            checkpointing.save(trainee.saved(prunes=pruning is not None))
            saved_at = checkpointing.clock()
        if stopping:
            raise Stopped(f"stopped after update {trainee.step} of {end}")


def _stalled(trainee: Trainee, patience: int | None, *, not_before: int) -> bool:
    """Say whether the last evaluation is of this very step and ends a training that may end early."""
    curve = trainee.curve
    if patience is None or not curve or curve[-1].step != trainee.step or trainee.step <= not_before:
        return False
    losses = [point.loss for point in curve]
    return len(losses) - 1 - losses.index(min(losses)) >= patience


def _rates(training: Training, per_epoch: int, *, fine_tune: bool, over: int | None) -> Callable[[int], float]:
    if over is not None:
        return spread_over(over, training, per_epoch)
    if not fine_tune:
        return learning_rates(training, per_epoch)
    constant = last_learning_rate(training, per_epoch)
    return lambda step: constant


def _trained(trainee: Trainee, *, updates: int) -> Trained:
    assert trainee.best is not None  # the last update is always evaluated, and its loss is finite
    return Trained(
        final=trainee.masked.in_state(state_of(trainee.result)),
        best=trainee.masked.in_state(copies(trainee.best)),
        curve=tuple(trainee.curve),
        captured=dict(trainee.captured),
        updates=updates,
        outgrown=tuple(trainee.outgrown),
    )
