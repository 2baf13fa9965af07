"""A service that is stopped and started on the same home has lost nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from winnow import Client
from winnow.local import serving
from winnow.transfer import verify_folder

pytestmark = pytest.mark.processes

See = Callable[[Client, dict[str, Any]], dict[str, Any]]

SLOTS = "cpu=1,inspect=1"
LONG = {"search": "iterative", "levels": 2, "training": {"length": "240ep"}, "evidence": "none", "seed": 0}


def test_jobs_done_running_and_queued_outlive_it(tmp_path: Path, small: dict[str, Any], succeeded: See) -> None:
    home = tmp_path / "home"
    with serving(home, slots=SLOTS) as url, Client(url) as client:
        done = succeeded(client, small)
        running = client.submit(small | {"recipe": LONG})["id"]
        queued = client.submit(small | {"name": "queued"})["id"]
        for event in client.events(running):
            if event["type"] == "job.started":
                break
    with serving(home, slots=SLOTS) as url, Client(url) as client:
        assert {job["id"] for job in client.list()} == {done["id"], running, queued}
        assert client.show(done["id"])["finished_at"] == done["finished_at"]
        client.download(done["id"], tmp_path / "ticket")
        assert verify_folder(tmp_path / "ticket")
        again = client.wait(running, timeout_seconds=120)
        assert (again["state"], again["attempt"], again["error"]) == ("succeeded", 2, None)
        starts = [event["data"] for event in client.events(running) if event["type"] == "job.started"]
        assert [start["resumed_from"] is None for start in starts] == [True, False]
        assert client.wait(queued, timeout_seconds=120)["state"] == "succeeded"
