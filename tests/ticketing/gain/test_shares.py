"""ticketing.gain.shares: of every ranking the least share within a target, and nothing measured twice."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.ticketing.gain.test_widths import Timed, measured_by_it
from ticketing.channels import channels_of
from ticketing.channels.ranking import Ranked, keep_best
from ticketing.channels.slimming import slim_inventory
from ticketing.errors import RecipeError
from ticketing.gain.shares import Fitting
from ticketing.gain.target import COUNTED, TIMED, smallest
from ticketing.recipe import SlimTarget
from ticketing.subject import Subject

WIDE: dict[str, Any] = {"depth": 10, "width": 1, "in_channels": 1, "input_size": [8, 8], "classes": 3}
Rank = Callable[[float], Ranked]


@pytest.fixture
def subject(make_subject: Any) -> Subject:
    made: Subject = make_subject("wide-resnet", **WIDE)
    return made


def fitting(subject: Subject, target: dict[str, Any]) -> Fitting:
    return Fitting(subject, channels_of(subject.module, subject.inventory), SlimTarget.model_validate(target))


def drawn(fit: Fitting, *, seed: int, round_to: int = 1) -> Rank:
    scores = torch.rand(fit.channels.count, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return lambda share: keep_best(scores, fit.channels, sparsity=share, round_to=round_to)


def fitting_anew(subject: Subject, most: int, rank: Rank) -> list[dict[str, Any]]:
    """Fit a ranking as after an interruption, when those before it are forgotten."""
    tried: list[dict[str, Any]] = fitting(subject, {"max_macs": most}).fit(rank).found["tried"]
    return tried


@given(st.integers(0, 200), st.integers(1, 200), st.data())
def test_where_a_search_begins_changes_what_is_asked_and_not_what_is_found(low: int, span: int, data: Any) -> None:
    first, near = data.draw(st.integers(low + 1, low + span)), data.draw(st.integers(low - 2, low + span + 2))
    asked: list[int] = []

    def holds(at: int) -> bool:
        asked.append(at)
        return at >= first

    assert smallest(holds, low, low + span, near=near) == first
    assert len(asked) == len(set(asked)) <= 16
    assert all(low < at < low + span for at in asked)
    if near in (first, first - 1) and low < near < low + span:
        assert len(asked) <= 2


@pytest.mark.parametrize(("most", "round_to"), [(500_000, 1), (100_000, 1), (20_000, 1), (500_000, 8)])
def test_the_least_share_of_every_ranking_that_is_within_it(subject: Subject, most: int, round_to: int) -> None:
    fit = fitting(subject, {"max_macs": most})

    def multiply_adds(ranked: Ranked) -> int:
        return slim_inventory(subject.inventory, fit.channels, ranked.kept).multiply_adds

    for seed in range(3):
        rank = drawn(fit, seed=seed, round_to=round_to)
        sizes = [multiply_adds(rank(part / 20)) for part in range(21)]
        assert sizes == sorted(sizes, reverse=True)  # so that bisection finds the least
        found = fit.fit(rank)
        tried = found.found["tried"]
        assert all(row["within"] == (row["multiply_adds"] <= most) for row in tried)
        end = min(row["share"] for row in tried if row["within"])
        assert torch.equal(found.ranked.kept, rank(end).kept)
        assert multiply_adds(rank(end)) <= most < multiply_adds(rank(end - 1 / COUNTED))
        assert found.found.keys() == {"tried"}  # nothing was timed
        assert [row["share"] for row in tried] == [row["share"] for row in fitting_anew(subject, most, rank)]


def test_both_ends_are_held_against_it_before_anything_is_ranked(subject: Subject) -> None:
    for target, code in (
        ({"max_macs": 5}, "out_of_reach"),
        ({"max_macs": subject.inventory.multiply_adds}, "removes_nothing"),
    ):
        fit = fitting(subject, target)
        with pytest.raises(RecipeError) as caught:
            fit.refuse_the_ends(drawn(fit, seed=0))
        (fault,) = caught.value.faults
        assert (fault.pointer, fault.code) == ("/recipe/target/max_macs", code)
    fit = fitting(subject, {"max_macs": subject.inventory.multiply_adds - 1})
    fit.refuse_the_ends(drawn(fit, seed=0))


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was measured, on a clock that goes by the parameters of a network."""
    took: list[float] = []

    def measured(runners: dict[str, partial[None]], **how: Any) -> Any:
        found = measured_by_it(runners, **how)
        took.append(found["slim"].p50)
        return found

    monkeypatch.setattr("ticketing.gain.target.RUNTIMES", {"torch": Timed})
    monkeypatch.setattr("ticketing.gain.target.measure", measured)
    return took


def test_what_is_as_wide_as_what_was_measured_is_not_measured_again(subject: Subject, times: list[float]) -> None:
    fit = fitting(subject, {"speedup": 3.0, "runtime": "torch"})
    rank = drawn(fit, seed=0)
    first = fit.fit(rank)
    assert 0 < len(times) <= 7  # 2^7 > a hundred
    before = list(times)
    again = fit.fit(rank)
    assert times == before
    assert torch.equal(again.ranked.kept, first.ranked.kept)
    assert len(again.found["tried"]) == 2  # it begins where it ended, and looks at the one before
    fit.fit(drawn(fit, seed=1))
    assert len(times) > len(before)


def test_a_speed_is_reached_with_all_of_its_interval(subject: Subject, times: list[float]) -> None:
    fit = fitting(subject, {"speedup": 3.0, "runtime": "torch"})
    found = fit.fit(drawn(fit, seed=0)).found
    assert all(row["within"] == (row["interval"][0] >= 3.0) for row in found["tried"])
    assert all(row["share"] == round(row["share"] * TIMED) / TIMED for row in found["tried"])
    assert (found["threads"], found["version"]) == (torch.get_num_threads(), torch.__version__)
    assert times
