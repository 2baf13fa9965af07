"""The embedded default where Redis is the server and where Valkey is: a job goes from POST to `succeeded`."""

import os
from pathlib import Path

import pytest

from tests.redis_servers import NAMES, alone, named
from winnow import Client
from winnow.local import serving

pytestmark = [pytest.mark.processes, pytest.mark.backends("sqlite")]


def programs_in(folder: Path) -> list[str]:
    """List the programs of the processes whose current folder is this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(os.path.realpath(process / "exe"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_submitted_and_succeeds(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    env = os.environ | {"PATH": alone(name, tmp_path / "bin")}
    task = {
        "model": {"architecture": "mlp", "arguments": {"hidden": [8]}, "seed": 0},
        "dataset": {"uri": "builtin:digits"},
        "recipe": {"search": "iterative", "levels": 1, "training": {"length": "1ep"}, "evidence": "none", "seed": 0},
    }
    with serving(home, slots="cpu=1,inspect=1", environment=env) as url, Client(url) as client:
        assert os.path.realpath(named(name)) in programs_in(home / "redis")
        job = client.wait(client.submit(task)["id"], timeout_seconds=120)
    assert job["state"] == "succeeded", job["error"]
