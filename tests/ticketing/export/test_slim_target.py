"""ticketing.export.slim_target: what was handed out is held against the target, by the figure the target is about."""

from typing import Any

import pytest

from ticketing.export.slim_target import slim_target_of
from ticketing.recipe import SlimTarget, Target

FOUND: dict[str, Any] = {"kept": [8, 6], "tried": [], "threads": 1, "version": "1"}
ASKED = {"runtime": "torch", "batch_size": 32}
ROWS = [
    {"runtime": runtime, "batch_size": size, "network": network, "p50": p50, "faster": faster, "interval": [0.9, 1.1]}
    for runtime, size, network, p50, faster in [
        ("torch", 32, "dense", 4.0, 1.0),
        ("torch", 32, "masked", 4.1, 0.98),
        ("torch", 32, "slim", 1.6, 2.5),
        ("torch", 1, "slim", 0.3, 1.3),
        ("onnxruntime", 32, "slim", 0.8, 3.5),
    ]
]


def told(target: dict[str, Any], gain: Any = None) -> dict[str, Any]:
    found = slim_target_of(SlimTarget(**target), FOUND, multiply_adds=101, gain=gain)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("target", "came", "interval", "met"),
    [
        ({"speedup": 2.5}, 2.5, [0.9, 1.1], True),
        ({"speedup": 2.51}, 2.5, [0.9, 1.1], False),
        ({"max_latency_ms": 1.6}, 1.6, None, True),
        ({"max_latency_ms": 1.59}, 1.6, None, False),
    ],
)
def test_a_time_is_that_of_the_slim_network_under_what_was_asked(
    target: dict[str, float], came: float, interval: Any, met: bool
) -> None:
    found = told(target | ASKED, {"latency": ROWS})
    assert found == target | ASKED | FOUND | {"came": came, "interval": interval, "met": met}


@pytest.mark.parametrize("gain", [None, {"latency": ROWS[3:]}])
def test_what_was_not_measured_is_neither_met_nor_missed(gain: Any) -> None:
    found = told({"speedup": 2.0} | ASKED, gain)
    assert (found["came"], found["met"]) == (None, None)


@pytest.mark.parametrize(("most", "met"), [(101, True), (100, False)])
def test_multiply_adds_are_those_of_what_was_handed_out(most: int, met: bool) -> None:
    found = told({"max_macs": most})
    assert (found["came"], found["interval"], found["met"]) == (101, None, met)


@pytest.mark.parametrize("target", [None, Target(sparsity=0.5)])
def test_of_another_target_nothing_is_told(target: Target | None) -> None:
    assert slim_target_of(target, FOUND, multiply_adds=101, gain=None) is None
