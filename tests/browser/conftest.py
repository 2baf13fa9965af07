"""A headless Chromium and a real service with a finished job; all of it skipped where there is no Chromium."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from winnow import Client
from winnow.local import serving

NAME = "<img src=x onerror=\"document.title='owned'\">"
SUBMISSION: dict[str, Any] = {
    "name": NAME,
    "labels": {"note": "<b>bold</b>"},
    "model": {"architecture": "mlp", "arguments": {"hidden": [32]}, "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {
        "search": "iterative",
        "levels": 3,
        "training": {"length": "2ep"},
        "evidence": {"replicates": 3, "controls": ["reinit"], "levels": "all"},
        "seed": 0,
    },
    "gates": {"min_sparsity": 0.4},
}


def _chromium() -> Any:
    # The driver that makes the screenshots; benchmarks/ is no package.
    path = Path(__file__).parents[2] / "benchmarks" / "chromium.py"
    spec = importlib.util.spec_from_file_location("chromium", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    driver = _chromium()
    program = driver.find_chromium()
    if program is None:
        pytest.skip("no Chromium on PATH: the pages are not looked at (apt-get install chromium)")
    with driver.browsing(program) as opened:
        yield opened


@pytest.fixture(scope="session")
def url(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service") / "home", slots="cpu=1,inspect=1") as address:
        yield address


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[Client]:
    with Client(url) as opened:
        yield opened


@pytest.fixture
def submission() -> dict[str, Any]:
    return dict(SUBMISSION)


@pytest.fixture(scope="session")
def finished(client: Client) -> dict[str, Any]:
    job = client.wait(client.submit(SUBMISSION)["id"], timeout_seconds=240)
    assert job["state"] == "succeeded", job["error"]
    return job
