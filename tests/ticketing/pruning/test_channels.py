"""ticketing.pruning.channels: exact counts in every set, the best stay, nothing comes back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.errors import CountError, NonFiniteScoreError
from ticketing.ladder.channels import ChannelSet
from ticketing.pruning.channels import keep_best_of_sets

SETS = (ChannelSet((0, 2, 4, 6, 8, 10, 12), {}), ChannelSet((1, 3, 5, 7, 9, 11), {}))
ALL = torch.ones(13, dtype=torch.bool)


@given(st.lists(st.integers(0, 9), min_size=13, max_size=13), st.integers(1, 7), st.integers(1, 6))
def test_every_set_keeps_its_best_and_as_many_as_asked(values: list[int], first: int, second: int) -> None:
    scores = torch.tensor(values, dtype=torch.float64)
    kept = keep_best_of_sets(scores, SETS, (first, second), within=ALL)
    for alike, count in zip(SETS, (first, second), strict=True):
        own = torch.tensor(alike.channels)
        best = sorted(alike.channels, key=lambda channel: (-values[channel], channel))[:count]
        assert own[kept[own]].tolist() == sorted(best)


@given(st.permutations(range(13)))
def test_a_level_is_within_the_one_before_whatever_scores_then(order: list[int]) -> None:
    before = keep_best_of_sets(torch.arange(13.0), SETS, (4, 3), within=ALL)
    after = keep_best_of_sets(torch.tensor(order, dtype=torch.float64), SETS, (2, 2), within=before)
    assert not bool((after & ~before).any())
    assert int(after.sum()) == 4


def test_scores_of_what_is_gone_are_not_looked_at() -> None:
    within, scores = ALL.clone(), torch.arange(13.0)
    within[0], scores[0] = False, torch.nan
    assert int(keep_best_of_sets(scores, SETS, (3, 3), within=within).sum()) == 6
    with pytest.raises(NonFiniteScoreError, match="channels 0 to 12"):
        keep_best_of_sets(scores, SETS, (3, 3), within=ALL)
    with pytest.raises(CountError):
        keep_best_of_sets(torch.arange(13.0), SETS, (7, 3), within=within)
