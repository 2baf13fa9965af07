"""workers.capabilities: a slot says what it can run as it is, and what cannot be told is left open."""

from importlib.metadata import version
from pathlib import Path

import pytest

from jobs.settings import SandboxLevel, Settings
from ticketing.folder import CHECKPOINT_VERSION
from ticketing.recipe import RECIPE_VERSION
from workers.capabilities import capabilities, opens_uploads
from workers.sandbox import Device, Sandbox

HELD = Sandbox("landlock", 5)
NVIDIA_SMI = """#!/bin/sh
[ "$1" = "--id=GPU-8f3a" ] || exit 6
echo "NVIDIA H200, 143771"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_cpu_slot_tells_its_memory_its_torch_and_the_formats_it_knows(settings: Settings) -> None:
    told = capabilities(settings, sandbox=HELD, device=Device())
    assert told.device == "cpu"
    assert told.memory_bytes is not None
    assert told.memory_bytes > 1 << 28
    assert told.torch == version("torch")
    assert (told.recipe_version, told.checkpoint_version) == (RECIPE_VERSION, CHECKPOINT_VERSION)
    assert set(told.extras) <= {"postgres", "s3"}


def test_a_gpu_slot_asks_the_driver_about_its_own_gpu(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(NVIDIA_SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    told = capabilities(settings, sandbox=HELD, device=Device("gpu", 1, gpu="GPU-8f3a"))
    assert (told.device, told.memory_bytes) == ("NVIDIA H200", 143771 << 20)


def test_where_the_driver_says_nothing_a_gpu_is_known_by_its_number_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = capabilities(settings, sandbox=HELD, device=Device("gpu", 1))
    assert (told.device, told.memory_bytes) == ("gpu 1", None)


@pytest.mark.parametrize(
    ("level", "weakest", "opens"),
    [
        ("landlock", "landlock", True),
        ("rlimits", "landlock", False),
        ("rlimits", "rlimits", True),
        ("landlock", "container", False),
        ("none", "none", True),
    ],
)
def test_uploads_are_opened_from_the_level_on_that_the_operator_set(
    level: str, weakest: SandboxLevel, opens: bool, tmp_path: Path
) -> None:
    sandbox = Sandbox(level)  # type: ignore[arg-type]
    assert opens_uploads(sandbox, weakest) == opens
    settings = Settings(home=tmp_path, uploads_from=weakest)
    assert capabilities(settings, sandbox=sandbox, device=Device()).uploads == opens
