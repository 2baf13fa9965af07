"""ticketing.recipe.target: one bound and no more, and what a time is measured under beside a bound of time alone."""

from typing import Any

import pytest
from pydantic import ValidationError

from ticketing.recipe import EarlyBird, Target
from ticketing.recipe.target import OF_SLIM

ONE: dict[str, Any] = {"sparsity": 0.5, "max_accuracy_drop": 0.01, "max_macs": 9, "speedup": 2, "max_latency_ms": 1}


def target(**fields: Any) -> Target:
    return Target.model_validate(fields)


@pytest.mark.parametrize("word", Target.BOUNDS)
def test_each_bound_stands_alone_and_reads_back(word: str) -> None:
    made = target(**{word: ONE[word]})
    assert target(**made.model_dump(mode="json")) == made
    assert made.of_slim == (word if word in OF_SLIM else None)
    for other in set(Target.BOUNDS) - {word}:
        with pytest.raises(ValidationError, match="expected one of"):
            target(**{word: ONE[word], other: ONE[other]})


@pytest.mark.parametrize("word", OF_SLIM)
def test_an_early_bird_is_of_a_size_or_a_speed_in_place_of_a_share(word: str) -> None:
    asked: dict[str, Any] = {"search": "early_bird", "target": {word: ONE[word]}}
    made = EarlyBird.model_validate(asked)
    assert (made.channel_sparsities, made.watched) == (None, (None,))
    assert EarlyBird.model_validate(made.model_dump(mode="json")) == made
    with pytest.raises(ValidationError, match="expected channel_sparsities or target, got both"):
        EarlyBird.model_validate(asked | {"channel_sparsities": [0.5]})


def test_an_early_bird_without_a_target_removes_half_and_of_a_sparsity_or_an_accuracy_it_knows_none() -> None:
    usual = EarlyBird.model_validate({"search": "early_bird"})
    assert usual.channel_sparsities == usual.watched == (0.5,)
    assert EarlyBird.model_validate({"search": "early_bird", "channel_sparsities": None}) == usual
    for word in ("sparsity", "max_accuracy_drop"):
        with pytest.raises(ValidationError, match="Extra inputs"):
            EarlyBird.model_validate({"search": "early_bird", "target": {word: ONE[word]}})


def test_none_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"expected one of sparsity, .* got none"):
        target()


@pytest.mark.parametrize("word", ["speedup", "max_latency_ms"])
def test_a_time_is_of_one_example_under_onnxruntime_unless_it_is_said_otherwise(word: str) -> None:
    usual = target(**{word: ONE[word]})
    assert (usual.runtime, usual.batch_size) == ("onnxruntime", 1)
    other = target(**{word: ONE[word]}, runtime="torch", batch_size=32)
    assert (other.runtime, other.batch_size) == ("torch", 32)


@pytest.mark.parametrize("word", ["sparsity", "max_accuracy_drop", "max_macs"])
@pytest.mark.parametrize("beside", [{"runtime": "torch"}, {"batch_size": 1}])
def test_what_is_counted_has_no_runtime(word: str, beside: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="with speedup or max_latency_ms alone"):
        target(**{word: ONE[word]}, **beside)
    counted = target(**{word: ONE[word]})
    assert (counted.runtime, counted.batch_size) == (None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_macs": 0},
        {"max_macs": 1.5},
        {"speedup": 1},
        {"speedup": 1e9},
        {"speedup": "inf"},
        {"speedup": 2, "runtime": "tensorrt"},
        {"speedup": 2, "batch_size": 2},
        {"max_latency_ms": 0},
        {"max_latency_ms": float("nan")},
    ],
)
def test_what_is_out_of_bounds_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        target(**fields)
