"""Weights of one's own: uploaded, looked at in the sandbox, pruned, given back under the same keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from winnow import Client
from winnow.errors import InvalidRequestError

# With this database what was uploaded comes back from S3.
pytestmark = [pytest.mark.processes, pytest.mark.backends("postgresql")]

See = Callable[[Client, dict[str, Any]], dict[str, Any]]

ARGUMENTS = {"hidden": [32], "in_channels": 1, "input_size": [8, 8], "classes": 10}
RECIPE = {"search": "iterative", "levels": 2, "training": {"length": "2ep"}, "evidence": "quick", "seed": 0}


def _weights(**changed: NDArray[Any]) -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(0)
    return {
        "fc1.weight": draw.normal(0, 0.1, (32, 64)).astype(np.float32),
        "fc1.bias": np.zeros(32, np.float32),
        "fc2.weight": draw.normal(0, 0.1, (10, 32)).astype(np.float32),
        "fc2.bias": np.zeros(10, np.float32),
    } | changed


def _register(client: Client, tmp_path: Path, state: dict[str, NDArray[Any]], **options: Any) -> dict[str, Any]:
    save_file(state, tmp_path / "model.safetensors")
    return client.model(
        tmp_path / "model.safetensors", architecture="mlp", arguments=ARGUMENTS, wait_seconds=60, **options
    )


def test_uploaded_weights_are_where_the_ticket_restarts(client: Client, tmp_path: Path, succeeded: See) -> None:
    weights = _weights()
    model = _register(client, tmp_path, weights)
    assert model["state"] == "ready", model["error"]
    body = {"model": model["id"], "dataset": {"uri": "builtin:digits"}, "recipe": RECIPE}
    job = succeeded(client, body)
    client.download(job["id"], tmp_path / "ticket", names=["ticket.safetensors"])
    ticket = load_file(tmp_path / "ticket/ticket.safetensors")
    assert ticket.keys() == weights.keys()
    for name, value in ticket.items():
        kept = value != 0
        assert np.array_equal(value[kept], weights[name][kept])


def test_weights_uploaded_trained_are_rewound_by_replaying_the_schedule(client: Client, tmp_path: Path) -> None:
    model = _register(client, tmp_path, _weights(), weights="trained")
    body = {"model": model["id"], "dataset": {"uri": "builtin:digits"}, "recipe": RECIPE}
    assert client.validate(body)["plan"]["resolved_recipe"]["rewind"] == "lr"
    with pytest.raises(InvalidRequestError, match="/recipe/rewind"):
        client.validate(body | {"recipe": RECIPE | {"rewind": "0it"}})


def test_a_weight_that_is_no_number_is_refused_by_name(client: Client, tmp_path: Path) -> None:
    broken = _weights()["fc2.weight"].copy()
    broken[3, 4] = np.nan
    model = _register(client, tmp_path, _weights(**{"fc2.weight": broken}))
    assert model["state"] == "refused"
    assert "fc2.weight" in model["error"]["detail"]


def test_a_shape_that_was_not_declared_is_refused_at_once(client: Client, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"fc1\.weight"):
        _register(client, tmp_path, _weights(**{"fc1.weight": np.zeros((32, 63), np.float32)}))


def test_a_label_out_of_range_names_its_row(client: Client, tmp_path: Path) -> None:
    images = np.zeros((40, 8, 8), np.uint8)
    labels = np.arange(40) % 10
    wrong = labels.copy()
    wrong[7] = -1
    np.savez(tmp_path / "d.npz", x_train=images, y_train=wrong, x_test=images, y_test=labels)
    dataset = client.dataset(tmp_path / "d.npz", wait_seconds=60)
    assert dataset["state"] == "refused"
    assert "row 7" in dataset["error"]["detail"]
