"""jobs.settings: what the environment says wins, and everything lies under the home folder."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.settings import HomePaths, Settings


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_BEAT_SECONDS", "0.5")
    assert Settings().beat_seconds == 0.5


def test_the_database_is_in_the_home_folder_unless_another_is_named(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).database == f"sqlite:///{tmp_path}/winnow.db"
    assert Settings(home=tmp_path, database_url="sqlite:////else.db").database == "sqlite:////else.db"


def test_a_setting_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValidationError, match="lease_ttl_seconds"):
        Settings(lease_ttl_seconds=0)


def test_the_home_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    paths = HomePaths(tmp_path / "a" / "home")
    paths.make()
    paths.make()
    for folder in (paths.home, paths.blobs, paths.attempts, paths.redis, paths.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
