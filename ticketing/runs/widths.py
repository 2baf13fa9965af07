"""How narrow a target makes the network, settled once for a run before anything is trained."""

from typing import TypeGuard

from ticketing.channels import Channels
from ticketing.channels.sets import sets_of
from ticketing.gain.widths import widths
from ticketing.journal.journal import Journal
from ticketing.journal.structure import WIDTHS, ending
from ticketing.ladder.channels import ChannelSets
from ticketing.observer import Observer, Stopped
from ticketing.recipe import AnyRecipe, Iterative
from ticketing.subject import Subject


def known_sets(
    subject: Subject, recipe: AnyRecipe, channels: Channels, journal: Journal, *, observer: Observer
) -> ChannelSets:
    """Give the sets of channels of a network, and what the last level keeps of them where a target decides that.

    What was found is a fact of the run: from the first checkpoint on no attempt measures again.

    Raises:
        RecipeError: No width meets the target, or every one does.
        Stopped: The observer asked to stop while networks were measured.
    """
    sets = sets_of(channels)
    if _is_bounded(recipe) and sets.sets and WIDTHS not in journal.facts:
        observer.emit("phase", phase="measure_widths")
        found = widths(subject, recipe, channels, sets, between=lambda: _stop_if_asked(observer))
        journal.record(WIDTHS, found, {})
    return ending(sets, journal)


def _is_bounded(recipe: AnyRecipe) -> TypeGuard[Iterative]:
    return isinstance(recipe, Iterative) and recipe.target is not None and recipe.target.of_slim is not None


def _stop_if_asked(observer: Observer) -> None:
    if observer.stop_requested():
        raise Stopped("stopped before the first training")
