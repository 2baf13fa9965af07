"""Where the databases of tests come from: files, and a PostgreSQL that all tests share."""

import shutil
from itertools import count
from pathlib import Path
from typing import Protocol

from tests.postgres_server import PostgresServer

BACKENDS = ("sqlite", "postgresql")


class Backend(Protocol):
    """Where databases come from."""

    name: str

    def new(self, *, migrated: bool = True) -> str:
        """Make an empty database and give its URL."""

    def at(self, home: Path) -> str:
        """Give the URL of the migrated database of a home folder, the same one each time."""

    def drop(self, url: str) -> None:
        """Delete a database that nobody will open again."""


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


def _migrate(url: str) -> None:
    from jobs.database import Database

    database = Database.open(url)
    database.migrate()
    database.close()
