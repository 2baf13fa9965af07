"""ticketing.ladder.channels: every set loses its share and keeps one; a fork counts on from its parent's."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.architectures import inventory
from ticketing.errors import RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.channels import ChannelSet, ChannelSets, channel_counts, entries_left, narrowed
from ticketing.ladder.counts import groups, kept_counts
from ticketing.ladder.schedule import ladder
from ticketing.recipe import Iterative

LISTED = inventory("mlp", {"in_features": 8, "hidden": [16, 12], "classes": 3})


def made_of(first: int, last: int, *places: tuple[str, int]) -> ChannelSet:
    return ChannelSet(tuple(range(first, last)), dict.fromkeys(places, 1))


SETS = ChannelSets(
    (
        made_of(0, 16, ("fc1.weight", 0), ("fc1.bias", 0), ("fc2.weight", 1)),
        made_of(16, 28, ("fc2.weight", 0), ("fc2.bias", 0), ("fc3.weight", 1)),
    ),
    {"fc3.weight": "its outputs are the network's"},
)


def recipe(**fields: Any) -> Iterative:
    return Iterative.model_validate({"search": "iterative", "structure": "channel"} | fields)


def start(level: int, **fields: Any) -> StartSpec:
    return StartSpec(job="job_parent", level=level, sha256="0" * 64, recipe=recipe(**fields), searches=1, start=None)


def code(asked: Iterative, sets: ChannelSets = SETS, begun: StartSpec | None = None) -> tuple[str, str]:
    with pytest.raises(RecipeError) as caught:
        kept_counts(LISTED, asked, begun, sets)
    ((fault),) = caught.value.faults
    return fault.pointer, fault.code


def test_the_counts_of_a_small_network_by_hand() -> None:
    assert channel_counts(LISTED, recipe(levels=3, rate=0.3), SETS) == [(16, 12), (11, 8), (8, 6), (6, 4)]
    rows = kept_counts(LISTED, recipe(levels=1, rate=0.3), None, SETS)
    assert rows[1] == {"fc1.weight": 11 * 8, "fc2.weight": 8 * 11, "fc3.weight": 3 * 8}
    assert groups(LISTED, recipe()).keys() == rows[0].keys()


@given(st.integers(1, 20), st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.9]))
def test_a_set_keeps_what_a_ladder_says_and_never_less_than_one(levels: int, rate: float) -> None:
    rows = channel_counts(LISTED, recipe(levels=levels, rate=rate), SETS)
    assert len(rows) == levels + 1
    for number, alike in enumerate(SETS.sets):
        column = [row[number] for row in rows]
        assert column == [max(1, kept) for kept in ladder(len(alike.channels), rate, levels)]
        assert column == sorted(column, reverse=True)


def test_on_the_way_to_a_drop_the_ladder_ends_where_nothing_more_goes() -> None:
    rows = channel_counts(LISTED, recipe(target={"max_accuracy_drop": 0.1}, rate=0.5), SETS)
    assert rows == [(16, 12), (8, 6), (4, 3), (2, 2), (1, 1)]


@given(
    st.integers(0, 1000),
    st.sampled_from([0.1, 0.2, 0.5, 0.9]),
    st.sampled_from([{}, {"by_name": {"fc1": 0}}]),
)
def test_where_the_end_is_known_no_set_goes_below_it_and_the_last_level_has_it(
    part: int, rate: float, exempting: dict[str, Any]
) -> None:
    asked = recipe(target={"max_macs": 1}, rate={"default": rate} | exempting)
    end = narrowed(LISTED, asked, SETS, Fraction(part, 1000))
    if end == (16, 12):
        return
    rows = channel_counts(LISTED, asked, replace(SETS, end=end))
    free = channel_counts(LISTED, recipe(levels=60, rate={"default": rate} | exempting), SETS)
    assert (rows[0], rows[-1]) == ((16, 12), end)
    assert len(rows) == len(set(rows))
    for before, after in pairwise(rows):
        assert all(b >= a for b, a in zip(before, after, strict=True))
    assert [row for row in rows[:-1] if row not in [tuple(map(max, of, end)) for of in free]] == []


def test_a_share_leaves_every_set_its_own_rounded_half_up_and_one_at_least() -> None:
    assert narrowed(LISTED, recipe(), SETS, Fraction(0)) == (16, 12)
    assert narrowed(LISTED, recipe(), SETS, Fraction(3, 8)) == (10, 8)  # of 12, 7.5
    assert narrowed(LISTED, recipe(), SETS, Fraction(1)) == (1, 1)
    assert narrowed(LISTED, recipe(rate={"by_name": {"fc2": 0}}), SETS, Fraction(1, 2)) == (8, 12)


@given(st.integers(1, 20), st.integers(2, 12), st.sampled_from([0.2, 0.35, 0.5, 0.9]))
def test_rounded_every_set_keeps_a_multiple_or_all_and_no_level_removes_nothing(
    levels: int, to: int, rate: float
) -> None:
    rows = channel_counts(LISTED, recipe(levels=60, rate=rate, round_to=to), SETS)[: levels + 1]
    free = channel_counts(LISTED, recipe(levels=60, rate=rate), SETS)
    up = [tuple(min(of, -(-n // to) * to) for n, of in zip(row, (16, 12), strict=True)) for row in free]
    # What the rate leaves, rounded up, each row once: where nothing more can go, the last one for every level left.
    distinct = list(dict.fromkeys(up))
    assert rows == [*distinct, *[distinct[-1]] * 60][: levels + 1]


def test_a_rounded_ladder_by_hand() -> None:
    assert channel_counts(LISTED, recipe(levels=3, rate=0.2, round_to=4), SETS) == [(16, 12), (12, 8), (8, 8), (8, 4)]


def test_a_rounded_fork_goes_on_as_its_parent_would_have() -> None:
    words: dict[str, Any] = {"levels": 4, "rate": 0.2, "round_to": 4}
    rows = channel_counts(LISTED, recipe(**words), SETS)
    assert channel_counts(LISTED, recipe(**words), SETS, start(2, **words)) == rows


def test_of_heads_as_many_stay_as_the_rate_says() -> None:
    listed = inventory("vit-tiny", {"input_size": [8, 8], "in_channels": 1, "classes": 3, "depth": 1})
    block = "encoder.layers.encoder_layer_0"
    heads = ChannelSet((0, 1, 2), {(f"{block}.self_attention.in_proj_weight", 0): 192})
    units = ChannelSet(tuple(range(3, 771)), {(f"{block}.mlp.0.weight", 0): 1})
    rows = channel_counts(listed, recipe(levels=1, rate=0.4, round_to=8), ChannelSets((heads, units), {}))
    assert rows[1] == (2, 464)


def test_a_share_is_rounded_up_too() -> None:
    assert narrowed(LISTED, recipe(round_to=4), SETS, Fraction(3, 8)) == (12, 8)
    assert narrowed(LISTED, recipe(round_to=5), SETS, Fraction(1, 16)) == (15, 12)
    assert narrowed(LISTED, recipe(round_to=8, rate={"by_name": {"fc2": 0}}), SETS, Fraction(1)) == (8, 12)


def test_a_set_that_rounding_keeps_above_its_end_comes_there_at_the_last_level_and_none_removes_nothing() -> None:
    wide, few = (ChannelSet(tuple(range(n)), {(f"fc{at}.weight", 0): 1}) for at, n in ((1, 1000), (2, 3)))
    rows = channel_counts(LISTED, recipe(target={"max_macs": 1}, rate=0.1), ChannelSets((wide, few), {}, end=(500, 2)))
    assert rows[-3:] == [(531, 3), (500, 3), (500, 2)]
    assert len(rows) == len(set(rows)) == 9


def test_an_end_that_a_rate_does_not_come_to_is_refused() -> None:
    wide = ChannelSets((ChannelSet(tuple(range(10_000)), {("fc1.weight", 0): 1}),), {}, end=(10,))
    assert code(recipe(target={"max_macs": 1}, rate=0.01), wide) == ("/recipe/rate", "target_out_of_reach")


def test_a_channel_that_stands_several_times_along_an_axis_takes_all_its_entries() -> None:
    flattened = ChannelSet(SETS.sets[0].channels, {("fc1.weight", 0): 1, ("fc2.weight", 1): 4})
    wide = inventory("mlp", {"in_features": 8, "hidden": [64, 12], "classes": 3})
    left = entries_left(wide, ChannelSets((flattened,), {}), (15,))
    assert left == {"fc1.weight": 63 * 8, "fc2.weight": 12 * 60, "fc3.weight": 3 * 12}


def test_a_layer_of_rate_0_keeps_the_channels_it_makes() -> None:
    rows = channel_counts(LISTED, recipe(levels=1, rate={"default": 0.5, "by_name": {"fc1": 0}}), SETS)
    assert rows[1] == (16, 6)


def test_where_no_set_is_known_the_rows_are_empty_and_as_many_as_there_are_at_most() -> None:
    assert kept_counts(LISTED, recipe(levels=3)) == [{}] * 4
    assert len(kept_counts(LISTED, recipe(target={"max_accuracy_drop": 0.1}))) == 61


def test_a_fork_counts_on_from_its_parent() -> None:
    parent = channel_counts(LISTED, recipe(levels=3, rate=0.3), SETS)
    rows = channel_counts(LISTED, recipe(levels=3, rate=0.5), SETS, start(2, levels=3, rate=0.3))
    assert rows == [*parent[:3], (4, 3)]
    whole = recipe(levels=5, rate=0.2)
    assert channel_counts(LISTED, whole, SETS, start(2, levels=5, rate=0.2)) == channel_counts(LISTED, whole, SETS)


def test_what_cannot_be_walked_is_refused_with_its_reason() -> None:
    assert code(recipe(rate=0)) == ("/recipe/rate", "removes_nothing")
    assert code(recipe(round_to=16)) == ("/recipe/rate", "removes_nothing")
    assert code(recipe(target={"max_accuracy_drop": 0.1}, rate=0.01)) == ("/recipe/rate", "removes_nothing")
    assert code(recipe(), ChannelSets((), SETS.stays)) == ("/recipe/structure", "no_channels")
    assert code(recipe(rate={"by_name": {"fc9": 0}})) == ("/recipe/rate/by_name/fc9", "matches_no_layer")
    assert code(recipe(levels=4), begun=start(3, levels=2)) == ("/from_level", "no_such_level")
    assert code(recipe(levels=1), begun=start(2, levels=2)) == ("/recipe/levels", "before_start")
    dropping = {"target": {"max_accuracy_drop": 0.1}, "rate": 0.5}
    assert code(recipe(levels=12), begun=start(10, **dropping)) == ("/from_level", "no_such_level")
    with pytest.raises(RecipeError, match=r"all stay: fc3\.weight: its outputs are the network's"):
        channel_counts(LISTED, recipe(), ChannelSets((), SETS.stays))
