"""ticketing.actions.kept: what a kept entry restarts as, entry by entry."""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor

from ticketing.actions.kept import KEPT, Untrained, reshuffle
from ticketing.recipe.masking import KEPT_WORDS, Kept

INITIAL = torch.tensor([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]])
BITS = torch.tensor([[True, False, True], [True, True, False]])
FRESH = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])

Acted = Callable[..., Tensor]


def acted(word: str, *, seed: int = 0, initial: Tensor = INITIAL, kept: Tensor = BITS) -> Tensor:
    return KEPT[word](Untrained("w", initial, kept, lambda: {"w": FRESH}, torch.Generator().manual_seed(seed)))


def test_every_word_of_the_recipe_has_its_action_and_its_sentence() -> None:
    assert list(KEPT) == list(KEPT_WORDS) == list(get_args(Kept))


@pytest.mark.parametrize("word", KEPT)
def test_no_action_writes_to_the_initial_weights(word: str) -> None:
    before = INITIAL.clone()
    assert acted(word).shape == INITIAL.shape
    assert torch.equal(INITIAL, before)


def test_rewind_gives_the_initial_weights_and_reinit_a_fresh_draw() -> None:
    assert torch.equal(acted("rewind"), INITIAL)
    assert torch.equal(acted("reinit"), FRESH)


@pytest.mark.parametrize("seed", range(5))
def test_reshuffle_permutes_the_kept_among_themselves(seed: int) -> None:
    assert sorted(acted("reshuffle", seed=seed)[BITS].tolist()) == sorted(INITIAL[BITS].tolist())


@pytest.mark.parametrize("seed", range(5))
def test_reshuffle_all_permutes_the_whole_tensor(seed: int) -> None:
    assert sorted(acted("reshuffle_all", seed=seed).reshape(-1).tolist()) == sorted(INITIAL.reshape(-1).tolist())


def test_constant_is_the_sign_times_the_population_deviation_of_the_whole_tensor() -> None:
    size = (sum((w - 0.5) ** 2 for w in INITIAL.reshape(-1).tolist()) / 6) ** 0.5
    assert torch.allclose(acted("constant"), torch.sign(INITIAL) * size)


def test_the_control_of_constant_has_its_size_and_signs_by_lot() -> None:
    many = torch.randn(100, 100, generator=torch.Generator().manual_seed(1))
    drawn = acted("constant_random_sign", initial=many, kept=torch.ones_like(many, dtype=torch.bool))
    assert torch.equal(drawn.abs(), acted("constant", initial=many).abs())
    agree = float((torch.sign(drawn) == torch.sign(many)).float().mean())
    # Four standard errors of a fair coin.
    assert abs(agree - 0.5) < 4 * 0.5 / 100


@pytest.mark.parametrize("word", ["reshuffle", "reshuffle_all", "constant_random_sign"])
def test_the_generator_decides_the_draw(word: str) -> None:
    many = torch.randn(50)
    kept = torch.ones(50, dtype=torch.bool)
    one, again, other = (acted(word, seed=seed, initial=many, kept=kept) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_tensor_that_keeps_nothing_can_be_reshuffled() -> None:
    nothing = torch.zeros_like(BITS)
    assert torch.equal(reshuffle(Untrained("w", INITIAL, nothing, dict, torch.Generator())), INITIAL)
