"""workers.probe: the level is one that was seen to hold; what does not hold is not answered."""

import os
from pathlib import Path

import pytest

from workers import landlock
from workers.probe import probe
from workers.sandbox import Sandbox


@pytest.mark.skipif(
    landlock.abi() == 0 and "WINNOW_REQUIRE_SANDBOX" not in os.environ, reason="this kernel has no Landlock"
)
def test_with_landlock_the_level_is_landlock(tmp_path: Path) -> None:
    found = probe(tmp_path)
    assert (found.level, found.landlock_abi) == ("landlock", landlock.abi())


def test_without_landlock_the_level_is_rlimits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    assert probe(tmp_path).level == "rlimits"


def test_a_landlock_that_the_kernel_does_not_speak_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr("workers.probe._candidates", lambda: iter([Sandbox("none"), Sandbox("rlimits")]))
    found = probe(tmp_path)
    assert found.level == "rlimits"
    assert found.warnings[0] == "level none as the worker's user: does not hold"


def test_children_that_keep_roots_user_id_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.probe._candidates", lambda: iter([Sandbox("rlimits")]))
    warned = "this is root: jobs keep its user id, without its capabilities" in probe(tmp_path).warnings
    assert warned == (os.geteuid() == 0)


def test_the_scratch_folder_is_left_as_it_was(tmp_path: Path) -> None:
    probe(tmp_path)
    assert list(tmp_path.iterdir()) == []
