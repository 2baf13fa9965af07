"""One training within a run: journaled, resumable, watched. Knows neither searches nor what a training is for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Generic, TypeVar

from torch import Tensor, nn
from torch.nn import functional

from ticketing.channels import Channels, Kept, channels_of
from ticketing.channels.slimming import slim_inventory
from ticketing.data.dataset import Dataset
from ticketing.folder import StartSpec
from ticketing.journal.checkpoint import Unfinished
from ticketing.journal.results import Result
from ticketing.journal.underway import Underway
from ticketing.journal.where import Where
from ticketing.mask import Mask
from ticketing.recipe import Iterative, Recipe
from ticketing.subject import Subject
from ticketing.training.lean import Lean, lean, lean_layers, multiply_adds
from ticketing.training.loop import Checkpointing, train
from ticketing.training.losses import Loss
from ticketing.training.narrow import Narrow
from ticketing.training.pruning import Pruning
from ticketing.training.scaled import Scaled
from ticketing.training.state import TrainingState
from ticketing.training.trained import Trained
from ticketing.training.watching import Watch

AnyOf = TypeVar("AnyOf", bound=Recipe)
Form = Lean | Narrow | Scaled
"""In what form a network trains: what is gone left out, or scales put in."""


@dataclass(kw_only=True)
class Bench(Underway, Generic[AnyOf]):
    """All that a search needs to train networks one after the other, stopping and going on at any update."""

    subject: Subject
    data: Dataset
    recipe: AnyOf
    start: StartSpec | None = None
    """Of a fork: where its parent's levels end."""
    found_channels: Channels | None = None
    """Of the network, where they are known already: a large one takes seconds to read."""

    def train(
        self,
        where: Where,
        rewind_point: Mapping[str, Tensor],
        *,
        mask: Mask,
        order_seed: int,
        first_step: int = 0,
        last_step: int | None = None,
        patience: int | None = None,
        fine_tune: bool = False,
        spread: bool = False,
        capture_at: Collection[int] = (),
        module: nn.Module | None = None,
        loss: Loss = functional.cross_entropy,
        pruning: Pruning | None = None,
        watch: Watch | None = None,
        kept: Kept | None = None,
        learned: Mapping[str, int] = MappingProxyType({}),
        block_floating: bool = False,
    ) -> tuple[Trained, Result]:
        """Train the network under a mask, from where an earlier attempt stopped if it did so in this training.

        Args:
            where: Names the training in journal and events.
            rewind_point: Whole state dict; the mask is applied to it, unless the recipe lets pruned entries hold what
                they have there.
            mask: True = kept; a full one trains densely.
            order_seed: Of the order of examples.
            first_step: Updates that the rewind point has behind it.
            last_step: Of the schedule, at which to end, or with `spread` of the training; None for all of it.
            patience: Evaluations in a row without a lower loss that end it sooner; None never does.
            fine_tune: Keep the schedule's last learning rate throughout.
            spread: Run through the whole schedule by `last_step`.
            capture_at: Updates after which the state is wanted in `Trained.captured`.
            module: The network to train where it is another than the subject's.
            loss: What is made small.
            pruning: Shrinks the mask on the way; it begins with `mask`.
            watch: Looks at weights on the way.
            kept: Channels that stay; the others are left out for good, and are zero in what comes of it.
            learned: Scales that the network has while it trains, as `Scales.learned` lists them, and that are folded
                into its weights in what comes of it; nothing is pruned or left out beside them.
            block_floating: Hold every number in 8 bits while training.

        Raises:
            Stopped: The observer asked to stop; the journal was saved first.
            DivergedError: The loss is no longer finite.
            InvariantError: A promise of the certificate broke.
        """
        name = f"{where.branch} of level {where.level}, replicate {where.replicate}"
        unfinished = self.journal.take_unfinished(where)
        resume = (
            None if unfinished is None else TrainingState.from_tensors(unfinished.tensors, unfinished.facts["training"])
        )
        seconds_before = 0.0 if unfinished is None else unfinished.facts["seconds"]
        begins_at = first_step if resume is None else resume.step
        self.progress.skip(where, begins_at - first_step)
        started = self.clock()
        hold = self.recipe.holds

        def save(state: TrainingState) -> None:
            counted = state.optimizer_steps == state.step - first_step
            self.invariants.hold("optimizer_reset", counted, f"{name}: {state.optimizer_steps} steps at {state.step}")
            tensors, facts = state.to_tensors()
            here = where.at(state.step)
            spent = {"training": facts, "seconds": seconds_before + self.clock() - started}
            self.save(here, Unfinished(here, spent, tensors))

        self.invariants.hold(
            "optimizer_reset", resume is None or resume.optimizer_steps == resume.step - first_step, name
        )
        module = module or self.subject.module
        layers: list[str] = []
        if kept is not None:
            form: Form = (narrow := Narrow(module, self.channels, kept))
            rewind_point = narrow.begun(rewind_point)
        elif learned:
            form = Scaled(module, learned)
        else:
            layers = self._lean_layers(module, mask, resume)
            form = lean(module, mask, layers, device=self.data.device)
        watched = (lambda: pruning.mask) if pruning else form.mask
        trained = train(
            self.invariants.watched(form.module, watched, name=name, held=rewind_point if hold else None),
            form.as_trained(rewind_point),
            data=self.data,
            training=self.recipe.training,
            mask=None if form.mask.kept_count == form.mask.total else form.mask,
            hold=hold,
            order_seed=order_seed,
            observer=self.progress.inside(where, begins_at=begins_at),
            first_step=first_step,
            last_step=last_step,
            patience=patience,
            fine_tune=fine_tune,
            spread=spread,
            capture_at={first_step, *capture_at},
            checkpointing=Checkpointing(save, self.checkpoint_seconds, self.clock),
            resume=resume,
            loss=loss,
            pruning=pruning,
            watch=watch,
            block_floating=block_floating,
        )
        trained = _whole(trained, form)
        if layers:
            self.invariants.pruned(trained.final, mask, name=name)
        if not block_floating:  # what begins in 8 bits is rounded before its first step
            began = trained.captured[first_step]
            self.invariants.started(began, rewind_point=rewind_point, mask=mask, name=name, hold=hold)
        self.progress.skip(where, trained.updates - (begins_at - first_step))
        seconds = seconds_before + self.clock() - started
        executed = multiply_adds(self.subject.inventory, mask, layers) if layers else None
        if kept is not None:
            executed = slim_inventory(self.subject.inventory, self.channels, kept).multiply_adds
        return trained, Result.of(trained, seconds=seconds, multiply_adds=executed)

    @cached_property
    def channels(self) -> Channels:
        """The channels of the network under search."""
        return self.found_channels or channels_of(self.subject.module, self.subject.inventory)

    def _lean_layers(self, module: nn.Module, mask: Mask, resume: TrainingState | None) -> list[str]:
        """Name the layers that are trained as their kept entries alone: as a training was begun, so it goes on.

        Where pruned entries hold weights, the mask cuts off nothing.
        """
        if resume is not None:
            return [name for name, kept in mask.items() if resume.state[name].shape != kept.shape]
        if self.recipe.holds or module is not self.subject.module:
            return []
        precision = self.recipe.training.precision
        return lean_layers(module, self.subject.inventory, mask, device=self.data.device, precision=precision)


def _whole(trained: Trained, form: Form) -> Trained:
    """Give the states that a training made in the form of the whole network."""
    return replace(
        trained,
        final=form.as_whole(trained.final),
        best=form.as_whole(trained.best),
        captured={step: form.as_whole(state) for step, state in trained.captured.items()},
    )


Workbench = Bench[Iterative]
"""Of the iterative search."""
