"""A key of the client: sent to the service and to nobody else, and exit code 4 when it lets nobody in."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from winnow import Client
from winnow.command import main
from winnow.errors import InvalidRequestError, KeyRefusedError, problem_error
from winnow.exits import Exit
from winnow.local import serving


@dataclass(frozen=True)
class Guarded:
    url: str
    submit: str
    read: str
    revoked: str


def _keys(home: Path, *words: str) -> str:
    command = [Path(sys.executable).with_name("winnow-server"), "keys", *words, "--home", home]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip() + " " + done.stderr.partition(":")[0]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A service with keys and without slots."""
    home = tmp_path_factory.mktemp("guarded") / "home"
    secrets = []
    for scope in ("submit", "read", "admin"):
        secret, key_id = _keys(home, "create", "--tenant", "ada", "--scope", scope).split()
        secrets.append(secret)
    _keys(home, "revoke", key_id)
    with serving(home, slots="none") as url:
        yield Guarded(url, *secrets)


@pytest.mark.processes
def test_the_command_takes_its_key_from_the_environment(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls", "--url", guarded.url]) == Exit.KEY
    assert "key_missing" in capsys.readouterr().err
    # As a file gives it, with the end of its line.
    monkeypatch.setenv("WINNOW_KEY", f"{guarded.read}\n")
    assert main(["ls", "--url", guarded.url]) == Exit.DONE


@pytest.mark.processes
def test_a_key_that_lets_nobody_in_is_exit_code_4_and_not_printed(
    guarded: Guarded, capsys: pytest.CaptureFixture[str], tmp_path: Path, submission: Any
) -> None:
    others = {guarded.revoked: "revoked", guarded.read[:-1]: "unknown", "nonsense": "unknown", "wn_é": "ASCII"}
    for secret, word in others.items():
        assert main(["ls", "--url", guarded.url, "--key", secret]) == Exit.KEY
        said = capsys.readouterr()
        assert word in said.err
        assert secret not in said.out + said.err


@pytest.mark.processes
def test_a_key_too_narrow_is_exit_code_4(guarded: Guarded, submission: Any) -> None:
    with Client(guarded.url, guarded.read) as reader, pytest.raises(KeyRefusedError, match="scope_missing"):
        reader.submit(submission)
    with Client(guarded.url, guarded.submit) as client:
        assert client.submit(submission)["state"] == "queued"


def test_every_request_carries_the_key(script: Any) -> None:
    script.say_json({})
    script.connection().get("/v1/jobs")
    script.connection().post("/v1/jobs", {})
    assert [asked.headers["Authorization"] for asked in script.asked] == ["Bearer key"] * 2


def test_the_store_that_a_download_is_sent_to_never_sees_the_key(script: Any) -> None:
    script.say(307, headers={"Location": f"{script.url}/store?signature=1"})
    script.say(200, b"bytes")
    with script.connection().open("/v1/jobs/job_1/artifacts/mask.bin") as response:
        assert response.read() == b"bytes"
    assert "Authorization" in script.asked[0].headers
    assert script.asked[1].path.startswith("/store")
    assert not {name.lower() for name in script.asked[1].headers} & {"authorization", "cookie"}


def test_a_wrong_name_of_the_service_is_no_fault_of_the_key() -> None:
    assert isinstance(problem_error(403, {"code": "host_not_allowed"}), InvalidRequestError)
    assert isinstance(problem_error(403, {"code": "scope_missing"}), KeyRefusedError)
