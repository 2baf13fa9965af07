"""service.operating.key_commands: what the operator types; a secret is printed once and nowhere again."""

import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from jobs.access import keys
from jobs.access.callers import caller_with
from jobs.database import Database
from jobs.errors import KeyRefusedError
from jobs.settings import Settings
from service.command import app


@pytest.fixture
def home(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("WINNOW_DATABASE_URL", backend.at(folder))
    return folder


@pytest.fixture
def db(home: Path) -> Any:
    database = Database.open(Settings(home=home).database)
    yield database
    database.close()


def say(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["keys", *words, "--home", str(home)])


def create(home: Path, *words: str) -> str:
    made = say(home, "create", "--tenant", "ada", "--scope", "submit", *words)
    assert made.exit_code == 0, made.output
    return made.stdout.strip()


def id_of(db: Database, secret: str) -> str:
    key_id = caller_with(db, secret).key_id
    assert key_id is not None
    return key_id


def test_a_key_made_lets_in_and_its_secret_alone_is_on_stdout(home: Path, db: Database) -> None:
    secret = create(home, "--name", "laptop", "--expires", "90d")
    caller = caller_with(db, secret)
    assert (caller.tenant, caller.scopes) == ("ada", ("read", "submit"))
    with db.read() as conn:
        (key,) = keys.listed(conn)
    assert key.expires_at is not None
    assert key.expires_at - key.created_at == 90 * 86400


def test_the_list_shows_what_an_operator_needs_and_no_secret(home: Path, db: Database) -> None:
    assert say(home, "list").stdout == "no keys\n"
    secrets = [create(home, "--name", "laptop"), create(home, "--expires", "1h")]
    caller_with(db, secrets[0])
    shown = say(home, "list").stdout
    first, second = shown.splitlines()
    assert f"{secrets[0][:8]}…  ada  submit  valid  until it is revoked  last used 20" in first
    assert first.endswith("(laptop)")
    assert "never used" in second
    assert "until 20" in second
    assert [secret for secret in secrets if secret in shown] == []
    assert say(home, "list", "--tenant", "bob").stdout == "no keys\n"


def test_a_key_is_replaced_with_an_overlap(home: Path, db: Database) -> None:
    old = create(home)
    new = say(home, "rotate", id_of(db, old)).stdout.strip()
    assert caller_with(db, old).tenant == caller_with(db, new).tenant == "ada"
    newest = say(home, "rotate", id_of(db, new), "--overlap", "0s").stdout.strip()
    with pytest.raises(KeyRefusedError):
        caller_with(db, new)
    assert caller_with(db, newest)


def test_a_key_is_revoked_by_its_id(home: Path, db: Database) -> None:
    secret = create(home)
    key_id = id_of(db, secret)
    assert say(home, "revoke", key_id).stdout == f"{key_id} of ada is revoked\n"
    with pytest.raises(KeyRefusedError):
        caller_with(db, secret)


def test_a_secret_goes_into_a_new_file_that_others_cannot_read(home: Path, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = say(home, "create", "--tenant", "ada", "--scope", "read", "--out", str(file))
    assert "wn_" not in made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert caller_with(db, file.read_text().strip())
    again = say(home, "create", "--tenant", "ada", "--scope", "read", "--out", str(file))
    assert again.exit_code != 0
    with db.read() as conn:
        assert len(keys.listed(conn)) == 1


def test_the_first_key_is_made_once_however_often_it_is_asked_for(home: Path, db: Database) -> None:
    assert caller_with(db, create(home, "--unless-any"))
    assert create(home, "--unless-any") == ""
    with db.read() as conn:
        assert len(keys.listed(conn)) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--tenant", "a b", "--scope", "read"),
        ("create", "--tenant", "ada", "--scope", "write"),
        ("create", "--tenant", "ada"),
        ("create", "--tenant", "ada", "--scope", "read", "--expires", "soon"),
        ("create", "--tenant", "ada", "--scope", "read", "--expires", "-1d"),
        ("revoke", "key_nobody"),
        ("rotate", "key_nobody"),
    ],
)
def test_what_cannot_be_done_is_refused(home: Path, db: Database, words: tuple[str, ...]) -> None:
    assert say(home, *words).exit_code != 0
    with db.read() as conn:
        assert not keys.any_key(conn)
