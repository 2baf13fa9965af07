"""One network under training: its masked update, its evaluations, and all that changes with them; knows no end."""

from collections.abc import Mapping
from math import isfinite

import torch
from torch import Tensor, nn
from torch.nn import functional

from ticketing.data.augmentation import Augmentation
from ticketing.data.dataset import Dataset, take
from ticketing.data.order import Order
from ticketing.errors import DivergedError
from ticketing.mask import Mask
from ticketing.recipe import Training
from ticketing.subject import placed, state_of
from ticketing.training.average import Average
from ticketing.training.block_floating import BlockFloating
from ticketing.training.evaluation import computing, evaluate
from ticketing.training.gradients import LossScale, clipped, laid_like
from ticketing.training.losses import Loss
from ticketing.training.masked import MaskedWeights
from ticketing.training.optimizers import Optimizer, optimizer_for
from ticketing.training.state import CurvePoint, TrainingState, copies
from ticketing.training.watching import Watch


class Trainee:
    """A copy of a network on its device, with everything a training changes; `step` counts the schedule's updates."""

    def __init__(
        self,
        module: nn.Module,
        start: Mapping[str, Tensor],
        data: Dataset,
        training: Training,
        mask: Mask | None,
        order_seed: int,
        *,
        hold: bool = False,
        loss: Loss = functional.cross_entropy,
        watch: Watch | None = None,
        block_floating: bool = False,
    ) -> None:
        """Copy `module` with the weights of `start`, already masked; fresh optimizer, order at its first batch.

        With `hold` pruned entries keep what `start` has there (never -0.0) instead of zero. `watch` pulls on weights.
        With `block_floating` every number it trains on has 8 bits (`BlockFloating`); it evaluates in fp32.
        """
        device = data.y_train.device
        self.step = 0
        self._data = data
        self._training = training
        self._loss_of = loss
        self.network = placed(module, start, device=device).train()
        self._watch = watch
        parameters = self.named = dict(self.network.named_parameters())
        """Every parameter, the very tensors that train."""
        self._parameters = list(parameters.values())
        self._loss_scale = LossScale(device) if training.precision == "fp16" else None
        self._optimizer: Optimizer = optimizer_for(training.optimizer, parameters, skips=self._loss_scale is not None)
        self._order = Order(len(data.y_train), training.batch_size, order_seed, device=device)
        augment, per_epoch = training.augment, self._order.per_epoch
        self._augmentation = None if augment == "none" else Augmentation(augment, order_seed, per_epoch=per_epoch)
        self.masked = MaskedWeights(parameters, mask or Mask({}), hold=hold)
        self._arithmetic = None
        if block_floating:
            self._arithmetic = BlockFloating.of_training(self.network, order_seed, optimizer=training.optimizer.name)
            with torch.no_grad():
                self.masked.put_back()
        begun, ema = self.network.state_dict(), training.ema
        self._average = None if ema is None else Average(module, begun, decay=ema.decay, of=self.network)
        self._precision = computing(training.precision, device)
        self._loss = torch.zeros((), device=device)
        self.curve: list[CurvePoint] = []
        self.outgrown: list[CurvePoint] = []
        """Evaluations under masks that are no longer its own."""
        self.best: dict[str, Tensor] | None = None
        self.captured: dict[int, dict[str, Tensor]] = {}

    @property
    def result(self) -> nn.Module:
        """What the training makes, evaluated and handed on: the averaged network where there is one."""
        return self.network if self._average is None else self._average.network

    def begin(self, first_step: int) -> None:
        """Stand where `first_step` updates are made: the next batch and rate are those of that number."""
        self.step = first_step
        self._order.seek(first_step)

    def go_on(self, saved: TrainingState) -> None:
        """Stand where `saved` was taken; the weights were given to the constructor.

        Raises:
            CheckpointError: It is of another optimizer, network or order.
        """
        self.step = saved.step
        self._order.restore(saved.order)
        self._optimizer.restore(saved.moments, saved.optimizer_steps)
        self.curve, self.outgrown = list(saved.curve), list(saved.outgrown)
        self.best = saved.best
        self.captured = dict(saved.captured)
        if self._average is not None:
            self._average.restore(saved.average)
        if self._loss_scale is not None:
            self._loss_scale.restore(saved.loss_scale)

    def update(self, learning_rate: float) -> None:
        """Learn from one batch; pruned entries are exactly zero afterwards, or exactly what they hold."""
        rows = self._order.next()
        x, y = take(self._data.x_train, rows), self._data.y_train.index_select(0, rows)
        if self._augmentation is not None:
            x = self._augmentation(x, self.step)
        if self._arithmetic is not None:
            self._arithmetic.begin(self.step)
        with self._precision:
            logits = self.network(x)
        loss = self._loss_of(logits.float().flatten(0, -2), y.flatten(), label_smoothing=self._training.label_smoothing)
        gradients, overflowed = self._gradients(loss)
        with torch.no_grad():
            self._optimizer.update(learning_rate, gradients, skip=overflowed)
            if self._arithmetic is not None:
                self._arithmetic.settle([*self._parameters, *self._optimizer.moments().values()])
            self.masked.put_back()
            if self._average is not None:
                self._average.follow()
        self._loss = loss.detach()
        self.step += 1

    def _gradients(self, loss: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """Differentiate a loss by every parameter, and say on the device whether that overflowed, if it can be told."""
        scaled = loss if self._loss_scale is None else self._loss_scale.of(loss)
        found = torch.autograd.grad(scaled, self._parameters)
        gradients = [laid_like(weight, gradient) for weight, gradient in zip(self._parameters, found, strict=True)]
        overflowed = None
        if self._loss_scale is not None:
            gradients, overflowed = self._loss_scale.undo(gradients)
        if self._watch is not None:
            self._watch.add_pull(dict(zip(self.named, gradients, strict=True)), self.named)
        if self._training.gradient_clip is not None:
            gradients = clipped(self.masked.of_kept(gradients), self._training.gradient_clip)
        if self._arithmetic is not None:
            # What flows to pruned entries would make the steps of their blocks larger.
            gradients = [self._arithmetic.of(gradient) for gradient in self.masked.of_kept(gradients)]
        return gradients, overflowed

    def prune(self, mask: Mask) -> None:
        """Go on under a mask within the one so far: what it removes leaves neither weight nor moment nor average.

        Evaluations so far were of another network: no figure of this one, and no best state.
        """
        with torch.no_grad():
            masks = self.masked.shrink(mask)
            for of, moment in self._optimizer.moments().items():
                if (name := of.partition("/")[2]) in masks:
                    moment.mul_(masks[name])
            if self._average is not None:
                for name, kept in masks.items():
                    self._average.mask(name, kept)
        self.outgrown += self.curve
        self.curve, self.best = [], None

    def capture(self) -> None:
        """Keep a copy of the state as it is at this step: unaveraged, for it is to be trained on."""
        self.captured[self.step] = self.masked.in_state(state_of(self.network))

    def evaluate(self) -> None:
        """Add a point to the curve, and keep a copy of the state if its loss is below all before.

        Raises:
            DivergedError: The loss of the last update or of the validation split is not finite.
        """
        x, y = self._data.x_validation, self._data.y_validation
        found = evaluate(self.result, x, y, precision=self._training.precision, loss=self._loss_of)
        # The one place that waits for the device: a loss that broke earlier is still broken here.
        if not (isfinite(found.loss) and isfinite(self._loss.item())):
            raise DivergedError(
                f"expected finite losses, got {self._loss.item()} in training and {found.loss} in validation "
                f"after update {self.step}; a smaller learning rate may help"
            )
        if not self.curve or found.loss < min(point.loss for point in self.curve):
            self.best = {name: tensor.detach().clone() for name, tensor in self.result.state_dict().items()}
        self.curve.append(CurvePoint(self.step, found.loss, found.accuracy))

    def saved(self, *, prunes: bool = False) -> TrainingState:
        """Copy everything that the next update depends on; the mask is part of it where it changes on the way."""
        return TrainingState(
            step=self.step,
            order=self._order.state(),
            state=state_of(self.network),
            moments=copies(self._optimizer.moments()),
            optimizer_steps=self._optimizer.steps,
            curve=tuple(self.curve),
            best=None if self.best is None else copies(self.best),
            captured=dict(self.captured),
            average={} if self._average is None else copies(self._average.state()),
            loss_scale={} if self._loss_scale is None else copies(self._loss_scale.state()),
            mask=self.masked.mask.pack() if prunes else {},
            outgrown=tuple(self.outgrown),
        )
