"""service.operating.evicting: a Redis or Valkey that throws keys away is refused at every start, one away is not."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.operating.evicting import policy_of, refuse_evicting
from service.operating.listening import RefusedError
from tests.redis_servers import NAMES, named, wait_until_up

pytestmark = pytest.mark.processes

EVICTING = [f"{which}-{how}" for which in ("allkeys", "volatile") for how in ("lru", "lfu", "random")] + [
    "volatile-ttl"
]


@pytest.fixture(params=NAMES)
def start(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Start a server with a policy, as an operator runs one, and give its address; valkey-server where installed."""
    program = named(request.param)
    with ExitStack() as stack:

        def run(policy: str) -> str:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wn"))
            socket = f"{folder}/s"
            command = [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
            process = stack.enter_context(
                subprocess.Popen([*command, "--maxmemory-policy", policy], stdout=subprocess.DEVNULL)
            )
            stack.callback(process.kill)
            url = f"redis+socket://{socket}"
            wait_until_up(process, url)
            return url

        yield run


@pytest.mark.parametrize("policy", EVICTING)
def test_every_policy_that_throws_away_is_refused_with_the_one_that_does_not(
    start: Callable[[str], str], policy: str
) -> None:
    with pytest.raises(RefusedError, match=rf"expected .* noeviction, got {policy}"):
        refuse_evicting(start(policy))


def test_a_server_that_keeps_everything_is_taken(start: Callable[[str], str]) -> None:
    url = start("noeviction")
    assert policy_of(url) == "noeviction"
    refuse_evicting(url)


def test_a_server_that_is_away_is_not_judged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    refuse_evicting(f"redis+socket://{tmp_path}/nobody")
    assert "does not answer yet" in caplog.text


@pytest.mark.parametrize("verb", ["up", "api", "worker"])
def test_nothing_starts_on_a_server_that_throws_away(start: Callable[[str], str], verb: str, tmp_path: Path) -> None:
    program = "from service.command import main; main()"
    env = os.environ | {"WINNOW_REDIS_URL": start("allkeys-lru"), "WINNOW_HOME": str(tmp_path / "home")}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", program, verb, *([] if verb == "worker" else ["--port", "0"])],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "noeviction" in done.stdout + done.stderr
