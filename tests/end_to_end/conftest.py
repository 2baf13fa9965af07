"""One real service for all these tests: the operator's command, Redis, one slot of each kind.

Once with everything in its home folder, and once on PostgreSQL and an S3 bucket, to which downloads are sent.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from winnow import Client
from winnow.local import serving

if TYPE_CHECKING:
    from tests.databases import Backend

SLOTS = "cpu=1,inspect=1"


@pytest.fixture(scope="session")
def url(
    tmp_path_factory: pytest.TempPathFactory, backend: "Backend", blob_settings: Callable[[Path], dict[str, Any]]
) -> Iterator[str]:
    home = tmp_path_factory.mktemp("service") / "home"
    own = {"database_url": backend.at(home), **blob_settings(home)}
    # Told to this service alone: it stays for the whole session, with other tests beside it.
    environment = os.environ | {f"WINNOW_{name.upper()}": value for name, value in own.items()}
    with serving(home, slots=SLOTS, environment=environment) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """A submission that a slot finishes in seconds: a small network on digits."""
    return {
        "name": "small",
        "model": {"architecture": "mlp", "arguments": {"hidden": [32]}, "seed": 0},
        "dataset": {"uri": "builtin:digits"},
        "recipe": {
            "search": "iterative",
            "levels": 3,
            "training": {"length": "2ep"},
            "evidence": {"replicates": 3, "controls": ["reinit"], "levels": "all"},
            "seed": 0,
        },
    }


@pytest.fixture(scope="session")
def succeeded() -> Callable[[Client, dict[str, Any]], dict[str, Any]]:
    """Submit a job, wait for it, and give it when it succeeded."""

    def see_through(client: Client, submission: dict[str, Any]) -> dict[str, Any]:
        job = client.wait(client.submit(submission)["id"], timeout_seconds=240)
        assert job["state"] == "succeeded", job["error"]
        return job

    return see_through


@pytest.fixture(scope="session")
def finished(url: str, small: dict[str, Any], succeeded: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A job that succeeded."""
    with Client(url) as client:
        return succeeded(client, small)
