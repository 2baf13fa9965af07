"""What all tests share: one thread, shapes checked, the folder with real data where there is one."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from beartype import BeartypeConf, beartype

os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

# Shapes in annotations are documentation that cannot lie: checked here, free everywhere else. The hook takes the
# checker by name only; the numeric tower lets an int stand where a float is expected, as PEP 484 does.
_checker = ModuleType("shape_checker")
_checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
sys.modules["shape_checker"] = _checker
install_import_hook("ticketing", "shape_checker.check")


@pytest.fixture(scope="session")
def winnow_data() -> Path | None:
    """The folder of real datasets, named by WINNOW_DATA; None on a machine without one."""
    folder = os.environ.get("WINNOW_DATA")
    return Path(folder) if folder else None


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Undo what an entry point sets for its whole process: a run in this one must not change other tests."""
    yield
    if "torch" in sys.modules:
        import torch

        torch.set_flush_denormal(False)
        torch.set_num_threads(1)
