"""service.operating.safekeeping: what an operator types keeps what is named, and brings it back elsewhere."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from service.command import app

if TYPE_CHECKING:
    from tests.databases import Backend

NAMED, FORGOTTEN = b"sent by a client", b"put by a worker that died"


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Type a command, with settings in the environment: `say("gc", home=...)`."""

    def run(*words: str, **settings: Any) -> Any:
        for name, value in settings.items():
            monkeypatch.setenv(f"WINNOW_{name.upper()}", str(value))
        return CliRunner().invoke(app, list(words))

    return run


@pytest.fixture
def place(
    tmp_path: Path,
    redis_url: str,
    backend: "Backend",
    blob_settings: Callable[[Path], dict[str, Any]],
    run_service: Callable[..., Any],
) -> dict[str, Any]:
    """The settings of a service that has been sent something."""
    home = tmp_path / "home"
    with run_service(home, redis_url) as service:
        service.blob(NAMED)
        with service.blobs.writer() as writer:
            writer.write(FORGOTTEN)
            writer.finish()
    return {"home": home, "database_url": backend.at(home), **blob_settings(home)}


def test_gc_deletes_what_nothing_names_and_says_so(say: Callable[..., Any], place: dict[str, Any]) -> None:
    assert "deleted 0 blobs" in say("gc", **place).output
    rehearsed = say("gc", "--dry-run", **place, collect_after_seconds=0)
    assert f"would delete 1 blobs of {len(FORGOTTEN)} bytes" in rehearsed.output
    done = say("gc", **place, collect_after_seconds=0)
    assert done.exit_code == 0
    assert f"deleted 1 blobs of {len(FORGOTTEN)} bytes" in done.output
    assert "1 blobs are kept" in done.output
    assert "deleted 0 blobs" in say("gc", **place, collect_after_seconds=0).output


def test_a_backup_is_restored_into_an_empty_home_and_serves_what_was_sent(
    say: Callable[..., Any],
    place: dict[str, Any],
    tmp_path: Path,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    run_service: Callable[..., Any],
) -> None:
    folder = str(tmp_path / "backup")
    made = say("backup", folder, **place)
    assert (made.exit_code, "1 blobs" in made.output) == (0, True), made.output
    for name in place:
        monkeypatch.delenv(f"WINNOW_{name.upper()}")
    elsewhere = tmp_path / "elsewhere"
    restored = say("restore", folder, home=elsewhere)
    assert (restored.exit_code, restored.output) == (0, made.output)
    url = f"sqlite:///{elsewhere}/winnow.db"
    with run_service(elsewhere, redis_url, database_url=url, blob_url=None) as service:
        sha256 = hashlib.sha256(NAMED).hexdigest()
        assert service.http.head(f"/v1/blobs/{sha256}").status_code == 200
        assert service.kept(sha256) == NAMED
    assert say("restore", folder, home=elsewhere).exit_code != 0
