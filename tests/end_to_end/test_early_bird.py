"""An early-bird job through the real service: a slim network that a user's own class takes, with what was reported."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import httpx2
import pytest
import torch

from ticketing.data.builtin import builtin_arrays
from winnow import Client
from winnow import numpy as arrays
from winnow.errors import ProblemError
from winnow.torch import load_slim
from winnow.transfer import verify_folder

pytestmark = [pytest.mark.processes, pytest.mark.backends("sqlite")]

_spec = spec_from_file_location("own_class", Path(__file__).parents[2] / "examples/own_class.py")
assert _spec is not None
assert _spec.loader is not None
own_class = module_from_spec(_spec)
_spec.loader.exec_module(own_class)

BIRD: dict[str, Any] = {
    "name": "bird",
    "model": {"architecture": "wide-resnet", "arguments": {"depth": 10, "width": 1}, "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {
        "search": "early_bird",
        "window": 2,
        "threshold": 0.3,
        "training": {"length": "6ep", "batch_size": 128, "optimizer": {"name": "sgd", "learning_rate": 0.05}},
        "evidence": {"replicates": 1, "controls": []},
        "seed": 0,
    },
}


@pytest.fixture(scope="module")
def found(url: str, succeeded: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    with Client(url) as client:
        return succeeded(client, BIRD)


def test_its_slim_network_in_a_users_own_class_has_the_reported_accuracy(
    client: Client, found: dict[str, Any], tmp_path: Path
) -> None:
    client.download(found["id"], tmp_path)
    assert {"slim.safetensors", "slim.json", "report.html"} <= set(verify_folder(tmp_path))
    network = own_class.Mine()
    load_slim(network, tmp_path)
    assert network.conv1.out_channels == len(network.conv1.weight) < 16
    report = client.report(found["id"])
    digits = builtin_arrays("builtin:digits")
    x = arrays.normalised(digits["x_test"][:, None].astype("float32"), tmp_path / "slim.safetensors")
    with torch.no_grad():
        answers = network.eval()(torch.from_numpy(x)).argmax(1).numpy()
    assert (answers == digits["y_test"]).mean() == report["search"]["test_accuracy"]


def test_its_levels_are_the_search_and_the_slim_network(client: Client, found: dict[str, Any]) -> None:
    assert [row["level"] for row in client.levels(found["id"]) if row["replicate"] == 0] == [0, 1]
    report = client.report(found["id"])
    (settling,) = report["settling"]
    assert settling["found"][0] == len(settling["distances"])
    assert found["verdict"] == report["certificate"]["verdict"] == "inconclusive"


def test_its_page_shows_ticket_and_files(url: str, found: dict[str, Any]) -> None:
    page = httpx2.get(f"{url}/jobs/{found['id']}").text
    assert "slim.safetensors" in page
    assert "early_bird" in page


def test_a_network_without_norms_is_refused_with_its_layers(client: Client) -> None:
    with pytest.raises(ProblemError) as refused:
        client.submit(BIRD | {"model": {"architecture": "lenet-300-100", "seed": 0}})
    assert "norms_missing_for_early_bird" in str(refused.value.problem)
    assert "fc1, fc2" in str(refused.value.problem)
