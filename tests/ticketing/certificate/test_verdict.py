"""ticketing.certificate.verdict: outcomes at their boundaries, and never a verdict on fewer than three."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.certificate.verdict import Correct, certify, compare, geometric_mean


def answers(counts: Sequence[int], of: int = 1000) -> Correct:
    """One row per count: so many of the first examples right."""
    return np.array([[example < count for example in range(of)] for count in counts])


def test_every_token_counts_in_the_differences_and_the_resolution() -> None:
    ticket, other = np.zeros((3, 5, 8), dtype=bool), np.zeros((3, 5, 8), dtype=bool)
    ticket[:, 0, :4] = True
    judged = certify(ticket, other, {}, tolerance=0.01, seed=0)
    assert (judged.dense.differences, judged.resolution) == ((0.1, 0.1, 0.1), 1 / 40)


def test_differences_are_ticket_minus_other_per_replicate() -> None:
    assert compare(answers([900, 880]), answers([890, 890]), seed=0).differences == pytest.approx((0.01, -0.01))


def test_other_replicates_or_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1000\) and \(3, 1000\)"):
        compare(answers([1, 2]), answers([1, 2, 3]), seed=0)


@pytest.mark.parametrize(
    ("ticket", "outcome"),
    [((910, 911, 909), "matches"), ((800, 801, 799), "loses"), ((890, 900, 893), "inconclusive")],
)
def test_a_ticket_matches_loses_or_is_undecided_against_dense(ticket: tuple[int, ...], outcome: str) -> None:
    assert compare(answers(ticket), answers([900] * 3), seed=0, tolerance=0.005).outcome == outcome


def test_a_bound_counts_only_if_both_intervals_agree() -> None:
    # Each replicate gains exactly 4 of 1,000: no spread for Student t, but the examples alone could turn it.
    found = compare(answers([904] * 3), answers([900] * 3), seed=0)
    assert found.interval is not None
    assert found.bootstrap is not None
    assert found.interval[0] > found.bootstrap[0]
    assert found.lower == found.bootstrap[0]


def test_winning_is_matching_dense_and_beating_every_control() -> None:
    ticket, controls = answers([950] * 3), {"reinit": answers([900] * 3), "shuffle": answers([890] * 3)}
    found = certify(ticket, answers([950] * 3), controls, tolerance=0.005, seed=0)
    assert (found.verdict, found.not_beaten) == ("winning", ())


def test_a_control_that_is_not_beaten_makes_it_matching_and_is_named() -> None:
    ticket, controls = answers([950] * 3), {"reinit": answers([950] * 3), "shuffle": answers([890] * 3)}
    found = certify(ticket, answers([950] * 3), controls, tolerance=0.005, seed=0)
    assert (found.verdict, found.not_beaten) == ("matching", ("reinit",))


def test_without_a_control_nothing_is_won() -> None:
    found = certify(answers([950] * 3), answers([900] * 3), {}, tolerance=0.005, seed=0)
    assert found.verdict == "matching"


def test_losing_against_dense_outweighs_beaten_controls() -> None:
    found = certify(answers([800] * 3), answers([900] * 3), {"reinit": answers([100] * 3)}, tolerance=0.005, seed=0)
    assert found.verdict == "losing"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=2), st.integers(0, 50), st.integers(0, 50))
def test_fewer_than_three_replicates_prove_nothing(ticket: list[int], dense: int, control: int) -> None:
    n = len(ticket)
    found = certify(
        answers(ticket, 50), answers([dense] * n, 50), {"reinit": answers([control] * n, 50)}, tolerance=0.1, seed=0
    )
    assert found.verdict == found.dense.outcome == found.controls["reinit"].outcome == "inconclusive"


def test_one_replicate_has_no_interval() -> None:
    found = compare(answers([10]), answers([20]), seed=0)
    assert found.interval is found.bootstrap is None


def test_the_resolution_is_one_example() -> None:
    assert certify(answers([1], 360), answers([1], 360), {}, tolerance=0.005, seed=0).resolution == 1 / 360


def test_twice_and_half_average_to_one() -> None:
    assert geometric_mean([2.0, 0.5]) == pytest.approx(1.0)


def test_dense_against_dense_in_another_order_is_never_winning() -> None:
    random, wins = np.random.default_rng(0), 0
    easy = random.beta(6, 0.3, 400)
    for _ in range(60):
        ticket, dense, control = (random.random((3, 400)) < easy for _ in range(3))
        wins += certify(ticket, dense, {"reinit": control}, tolerance=0.005, seed=0).verdict == "winning"
    # In truth 2.5 % at most, and matching dense within half a point at n = 3 is rare besides.
    assert wins <= 1


def test_more_confidence_turns_a_verdict_that_was_near_into_none() -> None:
    ticket, dense = answers([950, 953, 951]), answers([948] * 3)
    verdicts = [
        certify(ticket, dense, {"reinit": answers([900] * 3)}, tolerance=0.005, seed=0, confidence=c).verdict
        for c in (0.95, 0.999)
    ]
    assert verdicts == ["winning", "inconclusive"]


def judged_with_long(long: Sequence[int], **controls: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    others = {name: answers(counts) for name, counts in controls.items()} | {"dense_long": answers(long)}
    found = certify(answers([950] * 3), answers([950] * 3), others, tolerance=0.005, seed=0)
    return found.verdict, found.not_beaten


def test_dense_trained_for_longer_has_to_be_matched_as_dense_is() -> None:
    assert judged_with_long([950] * 3, reinit=[900] * 3) == ("winning", ())
    assert judged_with_long([990] * 3, reinit=[900] * 3) == ("matching", ("dense_long",))
    assert judged_with_long([950, 940, 960], reinit=[900] * 3) == ("matching", ("dense_long",))


def test_to_match_dense_however_long_it_trains_is_no_win_where_nothing_is_beaten() -> None:
    assert judged_with_long([950] * 3) == ("matching", ())


def test_dense_trained_for_less_has_to_be_beaten_as_every_control_has() -> None:
    ticket, other = answers([950] * 3), answers([950] * 3)
    assert certify(ticket, other, {"dense_short": other}, tolerance=0.005, seed=0).not_beaten == ("dense_short",)
