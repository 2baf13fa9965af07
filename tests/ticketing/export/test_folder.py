"""ticketing.export.folder: what is asked for is written, and no number that JSON has no word for."""

import json
from pathlib import Path

import pytest
import torch

from ticketing.export.folder import level_folder, write_json, write_level, write_weights
from ticketing.mask import Mask
from ticketing.ticket import Ticket

TICKET = Ticket(2, Mask({"w": torch.tensor([True, False])}), {"w": torch.ones(2)}, {"w": torch.ones(2)})


def test_level_folders_sort_as_their_numbers() -> None:
    names = [level_folder(level) for level in range(60)]
    assert names == sorted(names)


def test_only_what_is_asked_for_is_written(tmp_path: Path) -> None:
    write_weights(tmp_path, TICKET, outputs=["mask", "sparse", "onnx"], about={})
    assert {path.name for path in tmp_path.iterdir()} == {"mask.safetensors", "sparse.safetensors"}


@pytest.mark.parametrize("with_model", [False, True])
def test_a_level_has_its_model_only_where_that_was_kept(tmp_path: Path, with_model: bool) -> None:
    write_level(tmp_path, TICKET, metrics={"level": 2}, with_model=with_model, about={})
    names = {path.name for path in (tmp_path / "levels/02").iterdir()}
    assert names == {"mask.safetensors", "metrics.json"} | ({"model.safetensors"} if with_model else set())
    assert json.loads((tmp_path / "levels/02/metrics.json").read_bytes()) == {"level": 2}


def test_nan_is_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []
