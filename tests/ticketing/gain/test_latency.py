"""ticketing.gain.latency: networks run in turns, the figures are those of the times, the interval holds the median."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from ticketing.gain.latency import LEAST, MOST, WARM_UP, Latency, measure


class Clock:
    """A clock that only networks move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ran: list[str] = []

    def takes(self, name: str, times: Callable[[int], float]) -> Callable[[], None]:
        """Give a network whose call of a number takes so many seconds."""

        def run() -> None:
            self.now += times(self.ran.count(name))
            self.ran.append(name)

        return run

    def __call__(self) -> float:
        return self.now


def measured(*times: Callable[[int], float], seconds: float = 0.0) -> tuple[list[Latency], Clock]:
    clock = Clock()
    networks = {f"n{i}": clock.takes(f"n{i}", time) for i, time in enumerate(times)}
    return list(measure(networks, seconds=seconds, clock=clock).values()), clock


def test_every_network_runs_once_a_round_and_each_comes_first_in_turn() -> None:
    _, clock = measured(*[lambda n: 1.0] * 3)
    rounds = [clock.ran[i : i + 3] for i in range(3 * WARM_UP, len(clock.ran), 3)]
    assert len(rounds) == LEAST
    assert all(sorted(turn) == ["n0", "n1", "n2"] for turn in rounds)
    assert [turn[0] for turn in rounds[:4]] == ["n0", "n1", "n2", "n0"]


def test_what_comes_between_runs_comes_after_each_and_takes_none_of_their_time() -> None:
    clock, called = Clock(), []

    def between() -> None:
        called.append(len(clock.ran))
        clock.now += 1000.0

    networks = {"n0": clock.takes("n0", lambda n: 1.0), "n1": clock.takes("n1", lambda n: 1.0)}
    found = measure(networks, seconds=0, clock=clock, between=between)
    assert called == list(range(1, 2 * (WARM_UP + LEAST) + 1))
    assert {one.p95 for one in found.values()} == {1000.0}


@pytest.mark.parametrize(("seconds", "n"), [(0, LEAST), (30, LEAST), (50, 25), (51, 26), (1e9, MOST)])
def test_rounds_go_on_for_as_long_as_was_asked(seconds: float, n: int) -> None:
    found, _ = measured(lambda n: 1.0, lambda n: 1.0, seconds=seconds)
    assert [one.n for one in found] == [n, n]


def test_the_figures_are_those_of_the_times_without_the_warm_up() -> None:
    # 100 s to warm up, then 1, 2, ..., 21 s; the second takes half as long in every round.
    (dense, slim), _ = measured(lambda n: 100 if n < WARM_UP else n - 2, lambda n: (100 if n < WARM_UP else n - 2) / 2)
    assert (dense.p50, dense.p95) == (11_000, 20_000)
    assert (slim.p50, slim.p95) == (5_500, 10_000)
    assert (dense.faster, dense.interval) == (1, (1, 1))
    assert (slim.faster, *slim.interval) == (2, 2, 2)


def test_the_interval_is_of_the_ranks_of_the_sign_test() -> None:
    # Of 21 values the 6th and the 16th: 2 P(Binomial(21, 1/2) <= 5) = 0.0266, and 0.078 with one more.
    (_, slim), _ = measured(lambda n: 1.0, lambda n: 1 / max(1, n - 2))
    assert slim.interval == pytest.approx((6, 16))
    assert slim.faster == pytest.approx(11)


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    generator, held, runs = np.random.default_rng(0), 0, 1000
    for _ in range(runs):
        times = iter(np.exp(generator.normal(0.3, 1, LEAST + WARM_UP)))
        (_, slim), _ = measured(lambda n: 1.0, lambda n, times=times: float(next(times)))  # type: ignore[misc]
        held += slim.interval[0] <= math.exp(-0.3) <= slim.interval[1]
    assert 0.95 <= held / runs <= 0.995
