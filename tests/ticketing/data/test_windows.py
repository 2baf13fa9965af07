"""ticketing.data.windows: every token is asked for once, no split sees another's, counts are those of the plan."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.data.canonical import Canonical
from ticketing.data.tokens import describe_tokens
from ticketing.data.windows import prepare_tokens
from ticketing.errors import DataError
from ticketing.splits import roles


def canonical(train: int, test: int, validation: int | None = None) -> Canonical:
    """Tokens that say where they are: train from 0, validation from 1,000, test from 2,000."""
    raw = {"tokens_train": np.arange(train), "tokens_test": 2000 + np.arange(test)}
    if validation is not None:
        raw["tokens_validation"] = 1000 + np.arange(validation)
    arrays, summary = describe_tokens(raw, "counting")
    return Canonical({name: torch.from_numpy(array) for name, array in arrays.items()}, summary)


def test_windows_lie_end_to_end_and_ask_for_the_token_after_each() -> None:
    data = prepare_tokens(canonical(24, 8, 8), weights="initial", device="cpu", context=3)
    assert data.x_train[:2].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert data.y_train[:2].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert data.x_validation.tolist() == [[1000, 1001, 1002], [1003, 1004, 1005]]
    assert data.y_test.tolist() == [[2001, 2002, 2003], [2004, 2005, 2006]]
    assert (data.shape, data.classes, data.x_train.dtype) == ((3,), 2008, torch.int64)


@given(st.integers(1, 6), st.integers(24, 200), st.integers(14, 60), st.booleans(), st.booleans())
def test_every_split_is_used_once_and_counted_as_planned(
    context: int, train: int, test: int, own_validation: bool, trained: bool
) -> None:
    text = canonical(train * 4, test, 20 if own_validation else None)
    data = prepare_tokens(text, weights="trained" if trained else "initial", device="cpu", context=context)
    asked = {name: getattr(data, f"y_{name}").flatten() for name in ("train", "validation", "test")}
    for answers in asked.values():
        assert torch.equal(answers, torch.arange(int(answers[0]), int(answers[-1]) + 1))
    everything = torch.cat(list(asked.values()))
    assert len(everything.unique()) == len(everything)
    assert (len(data.y_train), len(data.y_test)) == roles(text.summary.splits, trained=trained, context=context)


def test_validation_is_the_end_of_train_or_of_a_trained_model_the_beginning_of_test() -> None:
    initial = prepare_tokens(canonical(240, 40), weights="initial", device="cpu", context=5)
    trained = prepare_tokens(canonical(240, 40), weights="trained", device="cpu", context=5)
    assert initial.x_validation[0, 0] == 220
    assert (trained.x_validation[0, 0], trained.x_test[0, 0]) == (2000, 2020)
    assert (len(initial.notes), len(trained.notes)) == (0, 1)


@pytest.mark.parametrize(("sizes", "split"), [((11, 40), "validation"), ((80, 5), "test"), ((5, 40, 40), "train")])
def test_a_split_shorter_than_a_window_is_refused_by_name(sizes: tuple[int, ...], split: str) -> None:
    with pytest.raises(DataError, match=f"at least 6 tokens in {split}"):
        prepare_tokens(canonical(*sizes), weights="initial", device="cpu", context=5)
    with pytest.raises(DataError, match=f"at least 6 tokens in {split}"):
        roles(canonical(*sizes).summary.splits, trained=False, context=5)
