"""service.operating.slots: how many slots of which kind, from the machine or from what the operator wrote."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from service.operating.slots import SlotPlan, SlotsError, gpus_here, kept_slot, plan_slots


def kinds(wanted: str, *, cores: int = 4, gpus: Sequence[str] = ()) -> list[tuple[str, int, int]]:
    return [(plan.kind, plan.index, plan.threads) for plan in plan_slots(wanted, cores=cores, gpus=gpus)]


def test_without_a_gpu_there_is_one_slot_of_one_thread_per_core_and_one_for_inspections() -> None:
    assert kinds("auto", cores=2) == [("cpu", 0, 1), ("cpu", 1, 1), ("inspect", 0, 1)]


def test_with_gpus_there_is_one_slot_each_and_they_share_the_cores() -> None:
    assert kinds("auto", cores=16, gpus=("0", "1")) == [("gpu", 0, 8), ("gpu", 1, 8), ("inspect", 0, 1)]


def test_each_gpu_slot_has_one_gpu_of_its_own() -> None:
    plans = plan_slots("auto", cores=4, gpus=("2", "GPU-8f3a"))
    assert [plan.gpu for plan in plans] == ["2", "GPU-8f3a", None]


@pytest.mark.parametrize(
    ("plan", "told"), [(SlotPlan("gpu", 0, 2, "GPU-8f3a"), ["--gpu", "GPU-8f3a"]), (SlotPlan("cpu", 0), [])]
)
def test_a_slot_is_told_which_gpu_is_its_own(plan: SlotPlan, told: list[str], tmp_path: Path) -> None:
    start = kept_slot(plan, env={}, logs=tmp_path).start
    assert isinstance(start, partial)
    command = start.args[0]
    assert command[-len(told) :] == told if told else "--gpu" not in command


def test_slots_can_be_given_threads_of_their_own() -> None:
    assert kinds("cpu=2x4,inspect=1") == [("cpu", 0, 4), ("cpu", 1, 4), ("inspect", 0, 1)]
    assert kinds("gpu=1x3", cores=8, gpus=("0",)) == [("gpu", 0, 3)]


@pytest.mark.parametrize("wanted", ["gpu=2", "inspect=2"])
def test_more_slots_than_there_are_gpus_or_a_second_one_for_inspections_are_refused(wanted: str) -> None:
    with pytest.raises(SlotsError, match="at most one slot"):
        plan_slots(wanted, cores=4, gpus=("0",))


@pytest.mark.parametrize(
    ("told", "names"),
    [("2,3", ["2", "3"]), ("GPU-8f3a, MIG-1", ["GPU-8f3a", "MIG-1"]), ("", []), ("1,-1,0", ["1"])],
)
def test_the_gpus_are_those_the_operator_lets_this_process_see(
    told: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    assert gpus_here() == names


def test_numbers_by_kind_are_taken_as_they_are() -> None:
    assert kinds("cpu=2, inspect=1") == [("cpu", 0, 1), ("cpu", 1, 1), ("inspect", 0, 1)]
    assert kinds("none") == []


@pytest.mark.parametrize(
    "wanted", ["", "many", "cpu", "cpu=", "cpu=-1", "tpu=1", "cpu=2;inspect=1", "cpu=2x", "cpu=2x0"]
)
def test_anything_else_is_refused_with_an_example(wanted: str) -> None:
    with pytest.raises(SlotsError, match="cpu=2,inspect=1"):
        plan_slots(wanted, cores=2, gpus=())


def test_a_slot_is_named_by_kind_and_number() -> None:
    assert SlotPlan("gpu", 1).name == "gpu-1"
