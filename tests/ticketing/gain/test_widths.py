"""ticketing.gain.widths: the widest network within a target, found by bisection; what no width meets is refused."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache, partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.channels import channels_of
from ticketing.channels.sets import sets_of
from ticketing.channels.slimming import slim_inventory
from ticketing.errors import RecipeError
from ticketing.gain.latency import LEAST, WARM_UP, Latency
from ticketing.gain.target import COUNTED, smallest
from ticketing.gain.widths import widths
from ticketing.ladder.channels import narrowed
from ticketing.recipe import Iterative
from ticketing.subject import Subject

WIDE: dict[str, Any] = {"depth": 10, "width": 1, "in_channels": 1, "input_size": [8, 8], "classes": 3}


def recipe(target: dict[str, Any], **fields: Any) -> Iterative:
    asked = {"search": "iterative", "structure": "channel", "target": target}
    return Iterative.model_validate(asked | fields)


def found(subject: Subject, target: dict[str, Any], **how: Any) -> dict[str, Any]:
    channels = channels_of(subject.module, subject.inventory)
    return widths(subject, recipe(target), channels, sets_of(channels), **how)


def refused(subject: Subject, target: dict[str, Any], **how: Any) -> tuple[str, str, str]:
    with pytest.raises(RecipeError) as caught:
        found(subject, target, **how)
    (fault,) = caught.value.faults
    return fault.pointer, fault.code, fault.detail


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_bisection_finds_the_first_of_all_that_hold_and_asks_few(low: int, span: int) -> None:
    for first in {low + 1, low + span, low + (span + 1) // 2}:
        asked: list[int] = []

        def holds(at: int, first: int = first, asked: list[int] = asked) -> bool:
            asked.append(at)
            return at >= first

        assert smallest(holds, low, low + span) == first
        assert len(asked) == len(set(asked)) <= 10
        assert all(low < at < low + span for at in asked)


@pytest.mark.parametrize("asked", [500_000, 100_000, 20_000, 5_000])
def test_the_widest_network_of_at_most_so_many_multiply_adds(make_subject: Any, asked: int) -> None:
    subject = make_subject("wide-resnet", **WIDE)
    channels = channels_of(subject.module, subject.inventory)
    sets = sets_of(channels)

    @cache
    def multiply_adds(counts: tuple[int, ...]) -> int:
        kept = torch.zeros(channels.count, dtype=torch.bool)
        for alike, count in zip(sets.sets, counts, strict=True):
            kept[list(alike.channels[-count:])] = True  # others than those of the trials: which ones does not matter
        return slim_inventory(subject.inventory, channels, kept).multiply_adds

    shares = (Fraction(part, COUNTED) for part in range(COUNTED + 1))
    all_counts = [narrowed(subject.inventory, recipe({"max_macs": asked}), sets, share) for share in shares]
    widest = max(made for counts in all_counts if (made := multiply_adds(counts)) <= asked)
    made = found(subject, {"max_macs": asked})
    (end,) = (one for one in made["tried"] if list(one["kept"]) == made["kept"])
    assert (end["multiply_adds"], end["within"], end["interval"]) == (widest, True, None)
    assert found(subject, {"max_macs": widest})["kept"] == made["kept"]  # at most is met by as many
    assert len(made["tried"]) <= 12
    assert all(one["within"] == (one["multiply_adds"] <= asked) for one in made["tried"])


class Timed:
    """Runs a network on a clock of its own: as many milliseconds as it has thousands of parameters."""

    def __init__(self, network: torch.nn.Module, *_: object) -> None:
        self.milliseconds = sum(p.numel() for p in network.parameters()) / 1000

    def __call__(self, x: torch.Tensor) -> None:
        raise AssertionError("nothing is run here")


def measured_by_it(runners: Mapping[str, partial[None]], **_: object) -> dict[str, Latency]:
    took = {name: run.func.milliseconds for name, run in runners.items()}  # type: ignore[attr-defined]
    faster = next(iter(took.values())) / took["slim"]
    interval = (0.9 * faster, 1.1 * faster)
    return {"slim": Latency(n=1, p50=took["slim"], p95=took["slim"], faster=faster, interval=interval)}


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketing.gain.target.RUNTIMES", {"torch": Timed, "onnxruntime": Timed})
    monkeypatch.setattr("ticketing.gain.target.measure", measured_by_it)


@pytest.mark.usefixtures("timed")
def test_a_speed_is_reached_with_all_of_its_interval_and_a_time_by_its_median(make_subject: Any) -> None:
    subject = make_subject()
    faster = found(subject, {"speedup": 3.0, "runtime": "torch"})
    for one in faster["tried"]:
        assert one["interval"] == pytest.approx((0.9 * one["figure"], 1.1 * one["figure"]))
        assert one["within"] == (one["interval"][0] >= 3.0)
    assert any(one["figure"] >= 3.0 > one["interval"][0] for one in faster["tried"])
    assert (faster["threads"], faster["version"]) == (torch.get_num_threads(), torch.__version__)
    shorter = found(subject, {"max_latency_ms": 0.2, "runtime": "torch"})
    assert all(one["within"] == (one["figure"] <= 0.2) and one["interval"] is None for one in shorter["tried"])
    assert [one["share"] for one in shorter["tried"]][:2] == [0.0, 1.0]


@pytest.mark.usefixtures("timed")
def test_what_no_width_meets_and_what_dense_meets_are_refused_with_the_figure(make_subject: Any) -> None:
    subject = make_subject()
    pointer, code, detail = refused(subject, {"speedup": 900.0})
    assert (pointer, code) == ("/recipe/target/speedup", "out_of_reach")
    assert detail.endswith(", got 900")
    assert refused(subject, {"max_latency_ms": 1e-6})[:2] == ("/recipe/target/max_latency_ms", "out_of_reach")
    assert refused(subject, {"max_latency_ms": 1e6})[:2] == ("/recipe/target/max_latency_ms", "removes_nothing")
    assert refused(subject, {"max_macs": 5})[:2] == ("/recipe/target/max_macs", "out_of_reach")


def test_a_runtime_that_is_not_there_is_refused_with_those_that_are(
    make_subject: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.gain.target.find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(RecipeError, match="got onnxruntime") as caught:
        found(make_subject(), {"speedup": 2.0})
    (fault,) = caught.value.faults
    assert (fault.pointer, fault.code, fault.allowed) == ("/recipe/target/runtime", "not_installed", ("torch",))


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_real_networks_are_timed_and_may_be_interrupted_after_every_run(make_subject: Any, runtime: str) -> None:
    subject, calls = make_subject("wide-resnet", **WIDE), 0

    def between() -> None:
        nonlocal calls
        calls += 1

    pointer, code, _ = refused(subject, {"max_latency_ms": 1e3, "runtime": runtime}, seconds=0, between=between)
    assert (pointer, code) == ("/recipe/target/max_latency_ms", "removes_nothing")
    assert calls == 2 * (WARM_UP + LEAST)  # in turns with dense
