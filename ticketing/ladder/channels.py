"""How many channels every set keeps at every level, and which entries that leaves; knows no scores and no tensors.

Channels that stand along the same axes are a set and compete among themselves. So the widths of every level, and with
them the entries of every weight, are known before anything is trained.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from ticketing.architectures import Inventory, Layer
from ticketing.errors import Fault, RecipeError, first_of
from ticketing.folder import StartSpec
from ticketing.ladder.schedule import kept_at, ladder
from ticketing.recipe import MOST_LEVELS, Iterative


@dataclass(frozen=True)
class ChannelSet:
    """Channels that stand along the same axes, as often along each."""

    channels: tuple[int, ...]
    """Their numbers in the network, rising."""
    places: Mapping[tuple[str, int], int]
    """By name of a tensor of the state dict and axis: how many indices each of them has there."""


Counts = tuple[int, ...]
"""Channels that every set keeps, in the order of the sets."""


@dataclass(frozen=True)
class ChannelSets:
    """All channels of a network that can be removed."""

    sets: tuple[ChannelSet, ...]
    stays: Mapping[str, str]
    """Of every layer whose outputs cannot be removed: its weight, and why."""
    end: Counts | None = None
    """What the last level keeps, where a target of the slim network decides that and it is known."""


def channel_counts(
    inventory: Inventory, recipe: Iterative, sets: ChannelSets, start: StartSpec | None = None
) -> list[Counts]:
    """List what every set keeps at every level, level 0 first: its share of the rate less each time, at least one.

    With `round_to` each count is rounded up, and a rung at which this leaves nothing to remove is passed over. A fork's
    rows up to the level it starts from are its parent's. Without a number of levels the ladder goes as far as a level
    removes something. Where it is known what the last level keeps, no set goes below that.

    Raises:
        RecipeError: No channel can be removed, the rate removes none or too few to come to the end that is known, or a
            fork starts where its parent has no level.
    """
    if not sets.sets:
        detail = f"expected a network with channels that can be removed, got one in which all stay: {_told(sets)}"
        raise RecipeError(detail, [Fault("/recipe/structure", "no_channels", detail)])
    rows = [rung.counts for rung in _walked(inventory, recipe, sets, start)]
    if sets.end is not None:
        rows = _down_to(sets.end, rows, recipe)
    if rows[-1] == rows[0]:
        raise _removes_nothing(recipe, most=max(rows[0]))
    return rows


class _Rung(NamedTuple):
    exact: Counts
    """What the rate leaves of every set."""
    counts: Counts
    """The same rounded up: what a level keeps."""


def _walked(inventory: Inventory, recipe: Iterative, sets: ChannelSets, start: StartSpec | None) -> list[_Rung]:
    """Walk down at the rate, from the whole network or where a fork's parent stood: for as many levels as were asked
    for, the last rung again and again where nothing more can go, or to that rung."""
    if start is None:
        whole = tuple(len(alike.channels) for alike in sets.sets)
        rungs = [_Rung(whole, whole)]
    else:
        rungs = _walked(inventory, start.recipe, sets, start.start)[: start.level + 1]
        _refuse_start_beyond(len(rungs) - 1, start)
    rates = [0.0 if exempt(alike, inventory, recipe) else recipe.rate.default for alike in sets.sets]
    exact = rungs[-1].exact
    while len(rungs) <= (recipe.levels or MOST_LEVELS):
        before, exact = exact, tuple(max(1, ladder(n, rate, 1)[1]) for n, rate in zip(exact, rates, strict=True))
        counts = _rounded(exact, inventory, recipe, sets)
        if exact == before and recipe.levels is None:
            break
        if counts != rungs[-1].counts or exact == before:
            rungs.append(_Rung(exact, counts))
    return rungs


def _rounded(exact: Counts, inventory: Inventory, recipe: Iterative, sets: ChannelSets) -> Counts:
    """Round counts up to `round_to`, or to the whole set; of heads, which are many outputs each, none is added."""
    to = [recipe.round_to if _single(alike, inventory) else 1 for alike in sets.sets]
    return tuple(min(len(of.channels), -(-n // m) * m) for n, m, of in zip(exact, to, sets.sets, strict=True))


def _single(alike: ChannelSet, inventory: Inventory) -> bool:
    """Say whether each channel of a set is one output of every layer that makes it."""
    return all(alike.places[layer.parameter, layer.output_axis] == 1 for layer in makers(alike, inventory))


def narrowed(inventory: Inventory, recipe: Iterative, sets: ChannelSets, share: Fraction) -> Counts:
    """Say what every set keeps without this share of its channels: rounded half up, at least one, then as `round_to`
    says; all of an exempt one.

    Args:
        inventory: The network's layers.
        recipe: For the layers it exempts, and `round_to`.
        sets: Of the network.
        share: From 0, which removes none, to 1, which leaves each set one.
    """
    exact = tuple(
        len(alike.channels) if exempt(alike, inventory, recipe) else max(1, kept_at(len(alike.channels), share))
        for alike in sets.sets
    )
    return _rounded(exact, inventory, recipe, sets)


def exempt(alike: ChannelSet, inventory: Inventory, recipe: Iterative) -> bool:
    """Say whether the rate of a layer that makes a set of channels is 0: then all of them stay."""
    return any(recipe.rate.of_layer(layer.name, layer.rate_kind) == 0 for layer in makers(alike, inventory))


def makers(alike: ChannelSet, inventory: Inventory) -> Iterator[Layer]:
    """Go through the layers whose outputs a set of channels are, input to output."""
    return (layer for layer in inventory.prunable if (layer.parameter, layer.output_axis) in alike.places)


def entries_left(inventory: Inventory, sets: ChannelSets, counts: Counts) -> dict[str, int]:
    """Count the entries of every prunable weight whose every axis stays."""
    removed = [len(alike.channels) - kept for alike, kept in zip(sets.sets, counts, strict=True)]
    return {layer.parameter: _left(layer, sets.sets, removed) for layer in inventory.prunable}


def _left(layer: Layer, sets: Sequence[ChannelSet], removed: Sequence[int]) -> int:
    left = 1
    for axis, length in enumerate(layer.weight):
        at = (layer.parameter, axis)
        left *= length - sum(gone * alike.places.get(at, 0) for alike, gone in zip(sets, removed, strict=True))
    return left


def _down_to(end: Counts, rows: Sequence[Counts], recipe: Iterative) -> list[Counts]:
    """End a ladder at given counts: no set goes below its own, and where rounding keeps one above, it jumps there."""
    above = dict.fromkeys(tuple(map(max, row, end)) for row in rows)
    on_the_way = [row for row in above if row != end]
    if len(on_the_way) > MOST_LEVELS:
        detail = f"expected a rate that comes to the target within {MOST_LEVELS} levels, got {recipe.rate.default:g}"
        raise RecipeError(detail, [Fault("/recipe/rate", "target_out_of_reach", detail)])
    return [*on_the_way, end]


def _removes_nothing(recipe: Iterative, *, most: int) -> RecipeError:
    rounded = "" if recipe.round_to == 1 else f", rounded up to multiples of {recipe.round_to}"
    detail = f"expected a rate that removes a channel, got {recipe.rate.default:g} of at most {most} a set{rounded}"
    return RecipeError(detail, [Fault("/recipe/rate", "removes_nothing", detail)])


def _refuse_start_beyond(last: int, start: StartSpec) -> None:
    if last < start.level:
        detail = f"expected a level from 1 to {last}, where the ladder of {start.job} ends, got {start.level}"
        raise RecipeError(detail, [Fault("/from_level", "no_such_level", detail)])


def _told(sets: ChannelSets) -> str:
    return first_of([f"{name}: {why}" for name, why in sets.stays.items()], between="; ")
