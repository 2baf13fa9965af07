"""House rule: what the pages say exists, and what exists is said."""

import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from jobs.settings import Settings
from service.app import create_app
from ticketing.architectures import ARCHITECTURES, arguments_for, inventory, preset
from winnow.command import COMMANDS
from winnow.exits import Exit

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def pages(root: Path) -> list[Path]:
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


def test_every_link_between_pages_leads_somewhere(pages: list[Path]) -> None:
    targets = [(page, link) for page in pages for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [(page.name, link) for page, link in targets if not (page.parent / link).exists()] == []


def test_every_page_the_code_names_exists(shipped: list[Path], root: Path) -> None:
    code = [path for path in shipped if path.suffix == ".py"]
    named = {(path.name, page) for path in code for page in re.findall(r"docs/[a-z_/]+\.md", path.read_text())}
    assert {(name, page) for name, page in named if not (root / page).exists()} == set()


def test_the_index_lists_every_page(root: Path) -> None:
    index = (root / "docs/index.md").read_text()
    assert [
        page.name for page in (root / "docs").glob("*.md") if f"({page.name})" not in index and page.stem != "index"
    ] == []


def test_every_make_target_of_the_readme_exists(root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)", (root / "README.md").read_text()))
    assert named
    assert named <= targets


def _blocks(page: Path, language: str) -> list[str]:
    """Give the fenced blocks of a page that name this language, or none."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [block for named, block in fences if named == language]


@pytest.mark.parametrize("name", ["README.md", "docs/client.md"])
def test_every_command_line_shown_is_one_the_command_knows(root: Path, name: str) -> None:
    lines = [shlex.split(line) for block in _blocks(root / name, "") for line in block.splitlines() if line]
    shown = [line for line in lines if line[0] == "winnow"]
    assert shown
    for line in shown:
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from winnow.command import main; sys.exit(main())", line[1], "--help"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        options = {word.partition("=")[0] for word in line if word.startswith("--")}
        assert {option for option in options if option not in done.stdout} == set()


def test_every_operators_command_of_the_readme_exists(root: Path) -> None:
    shown = re.search(r"`winnow-server`.*?`([a-z ]+)`", (root / "README.md").read_text())
    assert shown
    for word in shown.group(1).split():
        done = subprocess.run(
            [sys.executable, "-m", "service.command", word, "--help"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"winnow-server {word}: {done.stderr}"


def test_every_command_and_exit_code_has_its_row(root: Path) -> None:
    page = (root / "docs/client.md").read_text()
    assert [command.__name__ for command in COMMANDS if f"`winnow {command.__name__}" not in page] == []
    assert [int(code) for code in Exit if f"| {int(code)} |" not in page] == []


def test_every_architecture_has_its_row_with_its_counts(root: Path) -> None:
    page = (root / "docs/architectures.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|.*\| ([0-9,]+) \| ([0-9,.]+) M \|", page, re.M)
    made = {name: inventory(name, arguments_for(name, {})) for name in ARCHITECTURES}
    assert rows == [
        (name, f"{listed.parameters_total:,}", f"{listed.multiply_adds / 1e6:,.2f}") for name, listed in made.items()
    ]


def test_every_path_of_the_api_has_its_row(root: Path, tmp_path: Path) -> None:
    page = (root / "docs/http.md").read_text()
    # A row may name a parameter `{id}`, and shorten the paths after its first with an ellipsis.
    paths = [re.sub(r"\{\w+_id\}", "{id}", path) for path in create_app(Settings(home=tmp_path)).openapi()["paths"]]
    assert [
        path for path in paths if f"`{path}`" not in page and f"`…{path.removeprefix('/v1/jobs/{id}')}`" not in page
    ] == []


def test_every_setting_has_its_row_and_every_row_its_setting(root: Path) -> None:
    rows = re.findall(r"^\| `WINNOW_([A-Z0-9_]+)` \|", (root / "docs/settings.md").read_text(), re.MULTILINE)
    assert sorted(row.lower() for row in rows) == sorted(Settings.model_fields)


def test_every_place_that_something_is_added_to_exists(root: Path) -> None:
    places = re.findall(
        r"`([A-Za-z_]+)`(?: or `[A-Za-z]+`)? of `([a-z_/]+\.py)`", (root / "docs/adding.md").read_text()
    )
    assert len(places) > 8
    assert [
        (name, file) for name, file in places if not re.search(rf"^(class )?{name}\b", (root / file).read_text(), re.M)
    ] == []


@pytest.mark.parametrize("name", ["README.md", "docs/client.md", "docs/tickets.md"])
def test_every_example_in_python_compiles(root: Path, name: str) -> None:
    blocks = _blocks(root / name, "python")
    assert blocks
    for block in blocks:
        compile(block, name, "exec")


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_the_page_says_what_the_preset_of_a_network_is(name: str, root: Path) -> None:
    rows = (root / "docs/architectures.md").read_text().splitlines()
    said = next(row for row in rows if row.startswith(f"| `{name}` |")).rpartition("|")[0].rpartition("|")[2]
    said += next(
        (row for row in rows if row.startswith(f"| {said.split()[0].rstrip(':')} |") and row.count("|") == 5), ""
    )
    training, rate = preset(name)["training"], preset(name)["rate"]
    optimizer, schedule = training["optimizer"], training["schedule"]
    numbers = [optimizer["learning_rate"], training["batch_size"], schedule.get("factor", 0.1), *rate.values()]
    expected = [f" {Decimal(str(number)):f}" for number in numbers if number and number != 0.1]
    milestones = schedule.get("at", ())
    drops = milestones if len(milestones) < 4 else milestones[:1]  # "every `15ep`"
    expected += [f"`{step}`" for step in (training["length"], schedule.get("warmup"), *drops) if step]
    expected += [f"weight decay {Decimal(str(optimizer['weight_decay'])):f}"] if optimizer.get("weight_decay") else []
    assert [word for word in expected if word not in said] == []
    assert ("Nesterov" in said) == optimizer.get("nesterov", False)
    assert ("flip_crop" in said) == (training.get("augment", "none") == "flip_crop")
    assert ("output exempt" in said) == (rate.get("output") == 0)
    assert ("output 0.1" in said) == (rate.get("output") == 0.1)
    assert ("global" in said) == (preset(name).get("scope") == "global")
