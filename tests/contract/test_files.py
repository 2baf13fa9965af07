"""House rule: files one can see whole, nothing of one machine, nothing that could run a pickle."""

import re
from pathlib import Path
from statistics import median

import pytest

PRODUCT = ("ticketing", "jobs", "service", "workers", "winnow")
USUAL_LINES, MOST_LINES = 200, 250
LISTS = {
    "jobs/tables.py": "one table after the other",
    "jobs/migrations/versions/r0001_first_tables.py": "the same, frozen",
    "service/schemas.py": "one answer after the other",
}
"""Files that are lists and are read by looking up, each with what it lists."""

# Written in parts, so that this file does not find itself.
UNSAFE = (
    "weights_only" + "=False",
    "allow_pickle" + "=True",
    "pickle" + ".load",
    "torch.export" + ".load",
)
OTHER_MACHINES = re.compile("(?<![A-Za-z0-9_.])/" + "(work|root|Users)/|/tmp/" + "contract")
TEXT = {".py", ".md", ".toml", ".html", ".css", ".js", ".json", ".yml", ".yaml", ".cfg", ".txt", ""}


@pytest.fixture(scope="module")
def code(shipped: list[Path], root: Path) -> list[Path]:
    return [path for path in shipped if path.suffix == ".py" and path.relative_to(root).parts[0] in PRODUCT]


def test_files_can_be_seen_whole(code: list[Path], root: Path) -> None:
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in code}
    read = {name: lines for name, lines in lengths.items() if name not in LISTS}
    assert {name: lines for name, lines in read.items() if lines > MOST_LINES} == {}
    assert sum(lines > USUAL_LINES for lines in read.values()) <= len(read) // 20
    assert median(lengths.values()) < 100


def test_every_module_says_what_it_knows(code: list[Path], root: Path) -> None:
    silent = [path for path in code if path.read_text().strip() and not path.read_text().startswith(('"""', 'r"""'))]
    assert [str(path.relative_to(root)) for path in silent] == []


@pytest.mark.parametrize("words", UNSAFE)
def test_nothing_could_run_code_from_a_file(code: list[Path], words: str) -> None:
    assert [path.name for path in code if words in path.read_text()] == []


def test_no_file_knows_another_machine(shipped: list[Path], root: Path) -> None:
    found = {
        str(path.relative_to(root)): match.group()
        for path in shipped
        if path.suffix in TEXT and (match := OTHER_MACHINES.search(path.read_text(errors="replace")))
    }
    assert found == {}


def test_no_package_has_a_name_that_says_nothing(code: list[Path]) -> None:
    empty = {"utils", "core", "common", "helpers", "helper", "manager", "handler", "info", "misc"}
    assert [path for path in code if empty & {path.stem, *path.parts}] == []
