"""service.slots: how many slots of which kind, from the machine or from what the operator wrote."""

import pytest

from service.slots import SlotPlan, SlotsError, plan_slots


def kinds(wanted: str, *, cores: int = 4, gpus: int = 0) -> list[tuple[str, int, int]]:
    return [(plan.kind, plan.index, plan.threads) for plan in plan_slots(wanted, cores=cores, gpus=gpus)]


def test_without_a_gpu_there_is_one_slot_of_one_thread_per_core_and_one_for_inspections() -> None:
    assert kinds("auto", cores=2) == [("cpu", 0, 1), ("cpu", 1, 1), ("inspect", 0, 1)]


def test_with_gpus_there_is_one_slot_each_and_they_share_the_cores() -> None:
    assert kinds("auto", cores=16, gpus=2) == [("gpu", 0, 8), ("gpu", 1, 8), ("inspect", 0, 1)]


def test_numbers_by_kind_are_taken_as_they_are() -> None:
    assert kinds("cpu=2, inspect=1") == [("cpu", 0, 1), ("cpu", 1, 1), ("inspect", 0, 1)]
    assert kinds("none") == []


@pytest.mark.parametrize("wanted", ["", "many", "cpu", "cpu=", "cpu=-1", "tpu=1", "cpu=2;inspect=1"])
def test_anything_else_is_refused_with_an_example(wanted: str) -> None:
    with pytest.raises(SlotsError, match="cpu=2,inspect=1"):
        plan_slots(wanted, cores=2, gpus=0)


def test_a_slot_is_named_by_kind_and_number() -> None:
    assert SlotPlan("gpu", 1).name == "gpu-1"
