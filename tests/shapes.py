"""Shapes in annotations are documentation that cannot lie: checked in tests, free everywhere else.

Only modules that have any are checked, and of every function the first calls in each test: a training makes the same
call thousands of times, and to check them all made it three times as slow.
"""

import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from pathlib import Path
from types import ModuleType
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

CALLS = 10
"""Of every function that are checked in a test."""
_ROOT = Path(__file__).parent.parent
_made: Counter[Callable[..., Any]] = Counter()


def check_shapes() -> None:
    """Check what is imported from now on."""
    # The hook takes the checker by name only; the numeric tower lets an int stand where a float is expected (PEP 484).
    checker = ModuleType("shape_checker")
    checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
    sys.modules["shape_checker"] = checker
    jaxtyping.jaxtyped = _first_calls(jaxtyping.jaxtyped)
    shaped = [path for path in _ROOT.glob("ticketing/**/*.py") if "from jaxtyping import" in path.read_text()]
    modules = [".".join(path.relative_to(_ROOT).with_suffix("").parts) for path in shaped]
    jaxtyping.install_import_hook(modules, "shape_checker.check")


def begin_test() -> None:
    """Count calls anew."""
    _made.clear()


def _first_calls(jaxtyped: Callable[..., Any]) -> Callable[..., Any]:
    """Make a decorator check the first calls of a function alone."""

    def decorator(*, typechecker: Any) -> Callable[[Any], Any]:
        def decorate(made: Any) -> Any:
            checked = jaxtyped(made, typechecker=typechecker)
            if not isfunction(made):
                return checked

            @wraps(made)
            def call(*args: Any, **kwargs: Any) -> Any:
                _made[made] += 1
                return (checked if _made[made] <= CALLS else made)(*args, **kwargs)

            return call

        return decorate

    return decorator
