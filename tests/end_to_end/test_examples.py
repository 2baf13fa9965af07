"""The examples run as written. They are of the client: one database tells all."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.backends("sqlite")]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
VERDICTS = ("winning", "matching", "losing", "inconclusive")


def test_ones_own_weights_come_back_sparse_and_useful(url: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "own_weights.py", url], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"([\d,]+) of 7,400 weights kept; (\d+) of 360 test images right", done.stdout)
    assert found, done.stdout
    assert found.group(1) == "1,480"
    # Chance is 36; a network put together wrongly (keys, order, normalisation) comes nowhere near.
    assert int(found.group(2)) > 300


def test_ones_own_class_becomes_slim_with_the_reported_accuracy(url: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "own_class.py", url], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"([\d,]+) of 77,562 parameters are left; (\d+) of 360 test images right", done.stdout)
    assert found, done.stdout
    assert int(found.group(1).replace(",", "")) < 77_562 / 2
    accuracy = int(found.group(2)) / 360
    assert f"accuracy {accuracy}; the report says {accuracy}\n" in done.stdout
    assert int(found.group(2)) > 200


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/client.md"])
def test_the_example_of_a_page_runs_as_written(url: str, page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    code = next(block for block in blocks if "client.submit" in block)
    assert "http://127.0.0.1:8000" in code
    done = subprocess.run(
        [sys.executable, "-c", code.replace("http://127.0.0.1:8000", url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert any(verdict in done.stdout for verdict in VERDICTS)
    assert (tmp_path / "ticket/SHA256SUMS").is_file()
