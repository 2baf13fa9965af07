"""House rule: who may import whom, and what it may cost."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Python = Callable[[str], str]

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in {names!r}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
        if module.name not in {but!r} and "__main__" not in module.name and ".versions." not in module.name:
            if not module.name.endswith(".env"):
                importlib.import_module(module.name)
print([name for name in {unwanted!r} if name in sys.modules])
"""

ARITHMETIC = [
    f"ticketing.{name}"
    for name in (
        "errors",
        "slim",
        "step",
        "seeds",
        "splits",
        "task",
        "whole",
        "folder",
        "observer",
        "recipe",
        "architectures",
        "ladder",
        "plans",
    )
]
FLOOR = [*ARITHMETIC, *(f"ticketing.{name}" for name in ("certificate", "report"))]


@pytest.mark.parametrize(
    ("names", "but", "unwanted"),
    [
        (FLOOR, [], ["torch", "fastapi", "sqlalchemy", "celery"]),
        (ARITHMETIC, [], ["numpy"]),
        (["jobs"], [], ["torch", "numpy", "fastapi"]),
        (["service"], [], ["torch", "numpy", "workers"]),
        (["workers"], ["workers.gathering"], ["torch", "numpy", "fastapi", "service"]),
        (["winnow"], ["winnow.torch"], ["torch", "fastapi", "sqlalchemy", "celery", "jobs", "service", "workers"]),
    ],
    ids=["floor", "arithmetic", "jobs", "service", "workers", "winnow"],
)
def test_a_package_reaches_nothing_it_may_not(
    python: Python, names: list[str], but: list[str], unwanted: list[str]
) -> None:
    assert python(IMPORT_ALL.format(names=names, but=but, unwanted=unwanted)).strip() == "[]"


# Modules and not seconds: how long a module takes is the machine's affair, how many there are is ours.
@pytest.mark.parametrize(("module", "most"), [("service.app", 1300), ("winnow", 250), ("winnow.command", 600)])
def test_importing_loads_no_more_than_it_must(python: Python, module: str, most: int) -> None:
    assert int(python(f"import sys, {module}; print(len(sys.modules))")) < most


def test_the_contracts_of_the_import_linter_hold(root: Path) -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ticketing_itself_is_empty(root: Path) -> None:
    assert (root / "ticketing/__init__.py").read_text().strip() == ""
