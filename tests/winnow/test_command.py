"""winnow.command: what is typed reaches the service, and every ending has its code."""

import importlib.metadata
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from winnow.command import COMMANDS, main
from winnow.exits import Exit

pytestmark = pytest.mark.processes


@pytest.fixture
def body(submission: dict[str, Any], tmp_path: Path) -> str:
    (tmp_path / "job.json").write_text(json.dumps(submission))
    return str(tmp_path / "job.json")


def test_the_words_are_these() -> None:
    assert [command.__name__ for command in COMMANDS] == [
        "compress", "submit", "validate", "wait", "ls", "show", "cancel", "pause", "resume", "rerun", "export", "fork",
        "rm", "sweep", "children", "download", "report", "verify",
    ]  # fmt: skip


def test_every_command_takes_json(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert main([command.__name__, "--help"]) == Exit.DONE
        assert "--json" in capsys.readouterr().out


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == Exit.DONE
    assert capsys.readouterr().out == f"winnow {importlib.metadata.version('winnow')}\n"


def test_a_submission_is_sent_and_shown(url: str, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", body, "--url", url]) == Exit.DONE
    assert re.search(r"job_[0-9A-Z]{26}", capsys.readouterr().out)


def test_a_submission_is_read_from_standard_input(
    url: str, submission: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(submission)))
    assert main(["submit", "-", "--json", "--url", url]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["state"] == "queued"


def test_options_become_a_submission(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["compress", "--arch", "mlp", "--arg", "hidden=[16]", "--data", "builtin:digits", "--sparsity", "0.9"]
    typed += ["--max-drop", "0.01", "--set", "training.length=5ep", "--label", "git_sha=1234", "--json", "--url", url]
    assert main(typed) == Exit.DONE
    job = json.loads(capsys.readouterr().out)
    assert job["recipe"]["target"] == {"sparsity": 0.9}
    assert job["recipe"]["training"] == {"length": "5ep"}
    assert job["gates"]["max_accuracy_drop"] == 0.01
    assert job["labels"] == {"git_sha": "1234"}


def test_jobs_are_listed_and_cancelled(url: str, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["submit", body, "--json", "--url", url])
    job = json.loads(capsys.readouterr().out)["id"]
    assert main(["ls", "--json", "--limit", "1", "--url", url]) == Exit.DONE
    assert [item["id"] for item in json.loads(capsys.readouterr().out)["items"]] == [job]
    assert main(["cancel", job, "--url", url]) == Exit.DONE
    assert main(["show", job, "--url", url]) == Exit.DONE
    assert "cancelled" in capsys.readouterr().out
    assert main(["wait", job, "--url", url]) == Exit.CANCELLED


def test_jobs_are_paused_resumed_run_again_and_deleted(url: str, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    def typed(*words: str) -> Any:
        assert main([*words, "--json", "--url", url]) == Exit.DONE
        return json.loads(capsys.readouterr().out)

    job = typed("submit", body)["id"]
    assert typed("pause", job)["state"] == "paused"
    assert typed("resume", job)["state"] == "queued"
    assert typed("cancel", job, "--keep", "none")["state"] == "cancelled"
    again = typed("rerun", job, "--from", "scratch")
    assert again["origin"]["job"] == job
    typed("cancel", again["id"])
    assert typed("rm", job, again["id"]) == {"deleted": [job, again["id"]]}
    assert main(["show", job, "--url", url]) == Exit.INVALID


def test_a_fork_sends_only_what_was_typed(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.json").write_text('{"training": {"length": "5ep"}}')
    script.say_json({"id": "job_2", "state": "queued"})
    typed = ["fork", "job_1", "--from-level", "3", "--sparsity", "0.95", "--set", "rewind=null", "--name", "on"]
    assert main([*typed, "--recipe", str(tmp_path / "recipe.json"), "--label", "a=1", "--url", script.url]) == Exit.DONE
    assert (script.asked[0].path, json.loads(script.asked[0].body)) == (
        "/v1/jobs/job_1:fork",
        {
            "from_level": 3,
            "recipe": {"training": {"length": "5ep"}, "target": {"sparsity": 0.95}, "rewind": None},
            "name": "on",
            "labels": {"a": "1"},
        },
    )
    assert "job_2" in capsys.readouterr().out


def test_axes_make_a_grid_of_a_submission(url: str, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    axes = ["--over", "/seed=[0, 1]", "--over", "/levels=[2, 3]", "--max-parallel", "1"]
    assert main(["sweep", body, *axes, "--json", "--url", url]) == Exit.DONE
    grid = json.loads(capsys.readouterr().out)
    assert (grid["kind"], grid["children"]["total"]) == ("grid", 4)
    assert main(["children", grid["id"], "--url", url]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "/levels" in shown
    assert len(re.findall(r"job_[0-9A-Z]{26}", shown)) == 4
    main(["cancel", grid["id"], "--url", url])


def test_waiting_that_times_out_says_so_and_names_the_job(
    url: str, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", body, "--wait", "--timeout", "0.1", "--url", url]) == Exit.TIMED_OUT
    assert re.search(r"job_[0-9A-Z]{26}", capsys.readouterr().err)


def test_a_refused_field_is_named_and_is_exit_2(
    url: str, submission: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(submission | {"recipe": {"search": "alchemy"}}))
    assert main(["validate", str(tmp_path / "bad.json"), "--url", url]) == Exit.INVALID
    assert "/recipe/search" in capsys.readouterr().err


def test_a_refusal_as_json_is_the_problem_itself(
    url: str, submission: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text(json.dumps(submission | {"recipe": {"search": "alchemy"}}))
    main(["submit", str(tmp_path / "bad.json"), "--json", "--url", url])
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["status"] == 422
    assert error["errors"][0]["allowed"] == ["iterative", "early_bird", "capacity_sweep"]


def test_a_valid_submission_shows_its_plan(url: str, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", body, "--url", url]) == Exit.DONE
    assert "valid" in capsys.readouterr().out or "plan" in capsys.readouterr().out


@pytest.mark.parametrize(
    "typed",
    [
        ["nonsense"],
        ["ls", "--nonsense"],
        ["submit", "no-such-file.json"],
        ["compress", "--arch", "mlp", "--data", "no-such-file.npz"],
        ["compress", "--arch", "mlp", "--data", "builtin:digits", "--set", "novalue"],
        ["compress", "--arch", "mlp", "--data", "builtin:digits", "--plan", "--wait"],
        ["fork", "job_1"],
        ["fork", "job_1", "--from-level", "0"],
        ["cancel", "job_1", "--keep", "everything"],
        ["rm"],
    ],
)
def test_what_is_typed_wrongly_is_exit_2_without_a_traceback(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == Exit.INVALID
    assert capsys.readouterr().err.startswith("winnow: ")


def test_nobody_there_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--url", "http://127.0.0.1:9"]) == Exit.TRANSPORT
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_output_in_a_pipe_holds_no_escape_sequence(url: str, body: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["submit", body, "--url", url])
    main(["ls", "--url", url])
    assert "\x1b" not in capsys.readouterr().out


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == Exit.DONE
    assert "compress" in capsys.readouterr().out
