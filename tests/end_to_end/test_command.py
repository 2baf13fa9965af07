"""The command sees a job through and ends with the code a pipeline branches on."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from winnow.command import main
from winnow.exits import Exit
from winnow.transfer import verify_folder

pytestmark = [pytest.mark.processes, pytest.mark.backends("sqlite")]

SMALL = ["--arch", "mlp", "--arg", "hidden=[32]", "--data", "builtin:digits", "--sparsity", "0.5", "--evidence", "none"]
SMALL += ["--set", "training.length=2ep", "--seed", "0"]


def test_a_ticket_in_one_line(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["compress", *SMALL, "--wait", "--out", str(tmp_path / "ticket"), "--json", "--url", url])
    job = json.loads(capsys.readouterr().out)
    assert code == Exit.DONE
    assert job["state"] == "succeeded"
    assert len(verify_folder(tmp_path / "ticket")) > 10


def test_a_gate_that_is_missed_is_an_exit_code_of_its_own(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", *SMALL, "--max-bytes", "1", "--wait", "--url", url]) == Exit.GATE_MISSED
    assert "missed" in capsys.readouterr().out


def test_the_cost_of_ones_own_data_is_told_and_nothing_is_queued(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = load_digits(return_X_y=True)
    data = {"x_train": x[:700], "y_train": y[:700], "x_test": x[700:900], "y_test": y[700:900]}
    np.savez(tmp_path / "mine.npz", **{name: values.astype(np.uint8) for name, values in data.items()})
    typed = ["--arch", "mlp", "--data", str(tmp_path / "mine.npz"), "--levels", "3", "--set", "training.length=2ep"]
    assert main(["compress", *typed, "--evidence", "none", "--name", "asked", "--plan", "--json", "--url", url]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["plan"]["updates"] == 4 * 2 * answer["plan"]["steps_per_epoch"]
    assert main(["ls", "--json", "--url", url]) == Exit.DONE
    assert "asked" not in [job["name"] for job in json.loads(capsys.readouterr().out)["items"]]


def test_the_report_is_shown_as_a_table(url: str, finished: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", finished["id"], "--url", url]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "verdict:" in shown
    assert "n = 3" in shown


def test_a_file_altered_after_the_download_is_found(
    url: str, finished: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", finished["id"], "--out", str(tmp_path), "--url", url]) == Exit.DONE
    (tmp_path / "report.md").write_text("altered")
    assert main(["verify", str(tmp_path)]) == Exit.DIGEST
    assert "report.md" in capsys.readouterr().err
