"""What the tests of workers share: a folder to run children in, and the strongest sandbox that holds here."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.bell import Bell
from workers.child import Child
from workers.probe import probe
from workers.sandbox import Errand, Limits, Sandbox

Launch = Callable[..., Child]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The sandbox of this machine."""
    return probe(tmp_path_factory.mktemp("probe"))


@pytest.fixture
def bell() -> Iterator[Bell]:
    """A bell nobody else rings."""
    with Bell() as bell:
        yield bell


@pytest.fixture
def launch(tmp_path: Path, bell: Bell) -> Iterator[Launch]:
    """Starts children that run a piece of source with the standard library; none is left afterwards."""
    children: list[Child] = []

    def start(source: str, *arguments: str, sandbox: Sandbox, limits: Limits | None = None) -> Child:
        for part in ("tmp", "out"):
            (tmp_path / part).mkdir(exist_ok=True)
        command = [sys.executable, "-I", "-c", source, *arguments]
        errand = Errand(command, tmp_path, ("tmp", "out"), limits or Limits(memory_bytes=4 << 30))
        children.append(Child(sandbox, errand, log=tmp_path / "log", bell=bell))
        return children[-1]

    yield start
    for child in children:
        with child:
            child.kill()
