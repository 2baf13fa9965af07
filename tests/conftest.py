"""What all tests share: one thread, shapes checked, real data where there is some, and real databases of both kinds.

Every test that needs a database, however far down, runs once on SQLite and once on PostgreSQL;
`--backends sqlite` or `--backends postgresql` runs one of the two. Bytes lie in a folder on the first and in an S3
bucket on the second; `--stores folder` or `--stores s3` has them in one of the two throughout.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.databases import BACKENDS, Backend, PostgresBackend, SqliteBackend
from tests.object_store import ObjectStore
from tests.postgres_server import PostgresServer, programs
from tests.shapes import begin_test, check_shapes

check_shapes()

# No test asserts a speed: an example may take as long as a busy machine makes it.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backends", choices=[*BACKENDS, "all"], default="all", help="databases to test on")
    parser.addoption(
        "--stores", choices=["folder", "s3", "paired"], default="paired", help="where bytes lie; S3 with PostgreSQL"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "backends(name): of the databases, this test is about that one alone")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have files with slow tests begin first: one that begins last keeps one process busy while the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whatever needs a database once on each."""
    if "backend" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("backends")
        only = metafunc.definition.get_closest_marker("backends")
        about = only.args if only is not None else BACKENDS
        chosen = [name for name in about if wanted in (name, "all")]
        metafunc.parametrize("backend", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def start_postgres() -> Iterator[Callable[..., PostgresServer]]:
    """Start a PostgreSQL that the test may stop, freeze or kill: `start_postgres(listen="127.0.0.1", port=...)`."""
    with ExitStack() as stack:

        def start(**options: Any) -> PostgresServer:
            server = PostgresServer(programs(), **options)
            stack.callback(server.remove)
            server.start()
            return server

        yield start


@pytest.fixture(scope="session")
def postgres_server(start_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    """The PostgreSQL that all tests share."""
    return start_postgres()


@pytest.fixture(scope="session")
def backends_made() -> dict[str, Backend]:
    """Those this session has made: pytest sets `backend` up anew whenever it changes from one to the other."""
    return {}


@pytest.fixture(scope="session")
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, backends_made: dict[str, Backend]
) -> Backend:
    """The kind of database a test runs on; whatever asks for it runs on each."""
    name = request.param
    if name not in backends_made:
        if name == "sqlite":
            backends_made[name] = SqliteBackend(tmp_path_factory.mktemp("databases"))
        else:
            backends_made[name] = PostgresBackend(request.getfixturevalue("postgres_server"))
    return backends_made[name]


@pytest.fixture
def database_url(backend: Backend) -> Iterator[str]:
    """The address of an empty, migrated database."""
    url = backend.new()
    yield url
    backend.drop(url)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """The object store that all tests share."""
    store = ObjectStore(tmp_path_factory.mktemp("moto") / "log")
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def blob_settings(request: pytest.FixtureRequest, backend: Backend) -> Callable[[Path], dict[str, Any]]:
    """Give the settings of where a home's bytes lie, the same each time: in its folder, or in a bucket."""
    wanted = request.config.getoption("stores")
    if wanted == "folder" or (wanted == "paired" and backend.name == "sqlite"):
        return lambda home: {}
    store: ObjectStore = request.getfixturevalue("object_store")
    return cache(lambda home: store.bucket())


@pytest.fixture(scope="session")
def winnow_data() -> Path | None:
    """The folder of real datasets, named by WINNOW_DATA; None on a machine without one."""
    folder = os.environ.get("WINNOW_DATA")
    return Path(folder) if folder else None


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Have each test begin as in a process of its own: it draws the same numbers whatever ran before it.

    Its calls are counted anew, so that the shapes of the first are checked.
    What an entry point sets for its whole process is undone: a run in this one must not change other tests.
    """
    begin_test()
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(0)
    yield
    if "torch" in sys.modules:
        import torch

        torch.set_flush_denormal(False)
        torch.set_num_threads(1)
