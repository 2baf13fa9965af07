"""ticketing.training.state: everything written is read back equal, and nothing else is read."""

from typing import Any

import pytest
import torch

from ticketing.errors import CheckpointError
from ticketing.training.state import CurvePoint, TrainingState


def state(**parts: Any) -> TrainingState:
    plain: dict[str, Any] = {
        "step": 7,
        "order": {"epoch": 1, "position": 3},
        "state": {"fc1.weight": torch.ones(2), "bn.n": torch.tensor(5)},
        "moments": {"first/fc1.weight": torch.zeros(2)},
        "optimizer_steps": 4,
        "curve": (CurvePoint(5, 0.1, 0.9),),
        "best": {"fc1.weight": torch.full((2,), 3.0)},
        "average": {"fc1.weight": torch.full((2,), 6.0)},
        "loss_scale": {"scale": torch.tensor(8.0)},
        "mask": {"fc1.weight": torch.tensor([3], dtype=torch.uint8)},
        "outgrown": (CurvePoint(2, 0.3, 0.7),),
        "captured": {0: {"fc1.weight": torch.full((2,), 4.0)}, 5: {"fc1.weight": torch.full((2,), 5.0)}},
    }
    return TrainingState(**plain | parts)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"best": None, "curve": (), "captured": {}},
        {"moments": {}, "average": {}, "loss_scale": {}},
        {"mask": {}, "outgrown": ()},
    ],
)
def test_reads_back_what_it_wrote(parts: dict[str, Any]) -> None:
    written = state(**parts)
    tensors, facts = written.to_tensors()
    assert repr(TrainingState.from_tensors(tensors, facts)) == repr(written)


def test_tensor_names_do_not_collide() -> None:
    tensors, _ = state().to_tensors()
    assert [float(tensors[f"{part}/fc1.weight"][0]) for part in ("state", "best", "captured-0", "captured-5")] == [
        1,
        3,
        4,
        5,
    ]


@pytest.mark.parametrize("fact", ["step", "order", "optimizer_steps", "curve", "captured"])
def test_a_missing_fact_is_refused(fact: str) -> None:
    tensors, facts = state().to_tensors()
    del facts[fact]
    with pytest.raises(CheckpointError, match=fact):
        TrainingState.from_tensors(tensors, facts)


@pytest.mark.parametrize("name", ["elsewhere/fc1.weight", "fc1.weight", "captured-9/fc1.weight"])
def test_a_tensor_of_no_part_is_refused(name: str) -> None:
    tensors, facts = state().to_tensors()
    with pytest.raises(CheckpointError):
        TrainingState.from_tensors(tensors | {name: torch.zeros(1)}, facts)


def test_what_was_written_before_masks_changed_on_the_way_is_read() -> None:
    tensors, facts = state(mask={}, outgrown=()).to_tensors()
    del facts["outgrown"]
    assert repr(TrainingState.from_tensors(tensors, facts)) == repr(state(mask={}, outgrown=()))
