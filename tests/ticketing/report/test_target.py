"""ticketing.report.target: what was asked of the slim network, how it was looked for, what came, in one sentence."""

from typing import Any

import pytest

from ticketing.report.target import target_sentence
from ticketing.report.words import number

COUNTED = {"max_macs": 12_345, "runtime": None, "batch_size": None, "tried": [{}] * 3, "came": 12_000, "interval": None}
TIMED = {"runtime": "onnxruntime", "batch_size": 32, "version": "1.32.0", "tried": [{}] * 9}
FASTER = TIMED | {"speedup": 2.5, "came": 2.514, "interval": [2.462, 2.549]}
SHORTER = TIMED | {"max_latency_ms": 0.25, "runtime": "torch", "came": 0.4006, "interval": None}


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            COUNTED | {"met": True},
            f"Asked for at most {number(12_345)} multiply-adds: 3 widths were counted before the first training. What "
            f"was handed out came to {number(12_000)}: the target is met.",
        ),
        (
            FASTER | {"met": True},
            "Asked to be 2.5 times as fast as dense under ONNX Runtime 1.32.0 at batch 32: 9 widths were measured "
            "before the first training. What was handed out came to 2.51 (2.46 to 2.55): the target is met.",
        ),
        (
            SHORTER | {"met": False},
            "Asked for at most 0.25 ms under PyTorch 1.32.0 at batch 32: 9 widths were measured before the first "
            "training. What was handed out came to 0.401 ms: the target is missed.",
        ),
        (
            FASTER | {"came": None, "interval": None, "met": None},
            "Asked to be 2.5 times as fast as dense under ONNX Runtime 1.32.0 at batch 32: 9 widths were measured "
            "before the first training; what was handed out was not measured again.",
        ),
    ],
)
def test_the_sentence_says_what_was_asked_and_what_came(target: dict[str, Any], said: str) -> None:
    assert target_sentence({"search": {"name": "iterative", "target": target}}) == said
    of_a_bird = target_sentence({"search": {"name": "early_bird", "target": target}})
    assert of_a_bird == said.replace("before the first training", "at the epoch that counts")


@pytest.mark.parametrize("search", [{}, {"target": None}, {"target": {"max_accuracy_drop": 0.01, "within": [0]}}])
def test_of_any_other_end_it_says_nothing(search: dict[str, Any]) -> None:
    assert target_sentence({"search": search}) is None
