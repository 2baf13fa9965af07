"""The running service of `tests/service`, for everything that should never have been sent to it."""

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

_SPEC = spec_from_file_location("service_fixtures", Path(__file__).parents[1] / "service" / "conftest.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_FIXTURES = module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _FIXTURES
_SPEC.loader.exec_module(_FIXTURES)

redis_url = _FIXTURES.redis_url
run_service = _FIXTURES.run_service
serve_app = _FIXTURES.serve_app
service = _FIXTURES.service


@pytest.fixture
def serve_defect(serve_app: Any) -> Iterator[str]:
    """A service with a route that fails whatever its path ends in."""

    def spoil(app: FastAPI) -> None:
        @app.get("/defect/{name:path}")
        def defect(name: str) -> None:
            raise RuntimeError(name)

    with serve_app(spoil) as url:
        yield url
