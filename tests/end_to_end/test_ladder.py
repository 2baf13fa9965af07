"""LeNet-300-100 through the real API: levels keep exactly the published counts, asked for at levels 3, 7, 9, 15, 20.

Of one database: how many weights a level keeps does not hang on it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from winnow import Client

pytestmark = [pytest.mark.processes, pytest.mark.backends("sqlite")]

See = Callable[[Client, dict[str, Any]], dict[str, Any]]

KEPT = {0: 266_200, 3: 136_511, 7: 56_094, 9: 35_981, 15: 9_537, 20: 3_180}
RECIPE = {
    "search": "iterative",
    "levels": 20,
    "rate": {"default": 0.2, "output": 0.1},
    "scope": "layerwise",
    "training": {"length": "5it"},
    "evidence": "none",
    "seed": 0,
}


@pytest.fixture(params=["made", "mnist"])
def images(request: pytest.FixtureRequest, winnow_data: Path | None, tmp_path: Path) -> Path:
    """28x28 images of ten classes: made ones, and MNIST itself where WINNOW_DATA names a folder that holds it."""
    if request.param == "mnist":
        if winnow_data is None:
            pytest.skip("WINNOW_DATA is not set: real MNIST is not asked for")
        return winnow_data / "mnist.npz"
    draw = np.random.default_rng(0)
    pixels = {f"x_{split}": draw.integers(0, 256, (n, 28, 28), dtype=np.uint8) for split, n in SIZES.items()}
    labels = {f"y_{split}": np.arange(n, dtype=np.uint8) % 10 for split, n in SIZES.items()}
    np.savez(tmp_path / "made.npz", **pixels, **labels)
    return tmp_path / "made.npz"


SIZES = {"train": 1200, "test": 100}


def test_the_published_counts_are_met_to_the_entry(client: Client, images: Path, succeeded: See) -> None:
    dataset = client.dataset(images, wait_seconds=120)
    assert dataset["state"] == "ready", dataset["error"]
    body = {"model": {"architecture": "lenet-300-100", "seed": 0}, "dataset": dataset["id"], "recipe": RECIPE}
    job = succeeded(client, body)
    kept = {row["level"]: row["kept"] for row in client.levels(job["id"])}
    assert {level: kept[level] for level in KEPT} == KEPT


def test_the_plan_says_the_same_before_anything_runs(client: Client, images: Path) -> None:
    dataset = client.dataset(images, wait_seconds=120)
    body = {"model": {"architecture": "lenet-300-100", "seed": 0}, "dataset": dataset["id"], "recipe": RECIPE}
    kept = {row["level"]: row["kept"] for row in client.validate(body)["plan"]["ladder"]}
    assert {level: kept[level] for level in KEPT} == KEPT
