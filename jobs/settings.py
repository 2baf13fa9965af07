"""What an operator may set, and where everything lies under the home folder; reads the environment, opens nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SandboxLevel = Literal["none", "rlimits", "landlock", "container"]
"""How tightly a child is held, weakest first."""


class Settings(BaseSettings):
    """Each field is also an environment variable, `WINNOW_` in front; durations are short in tests."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: Path.home() / ".winnow", description="Everything kept lies in here.")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    database_url: str | None = Field(None, description="SQLAlchemy URL; absent: SQLite in the home folder.")
    redis_url: str | None = Field(None, description="Absent: a private server is started under the home folder.")
    tenant: str = Field("default", description="Whose everything is while no keys are configured.")

    lease_ttl_seconds: float = Field(60, gt=0, description="A worker that is silent for this long has lost its job.")
    beat_seconds: float = Field(15, gt=0)
    sweep_seconds: float = Field(10, gt=0)
    checkpoint_seconds: float = Field(300, gt=0)
    stall_seconds: float = Field(600, gt=0, description="A trainer that reports nothing for this long is killed.")
    first_step_seconds: float = Field(1800, gt=0, description="The same until its first report.")
    grace_seconds: float = Field(60, gt=0, description="Between SIGTERM and SIGKILL.")
    retry_delay_seconds: float = Field(5, ge=0, description="Before the attempt that follows a second strike.")
    idle_restart_seconds: float = Field(30, gt=0, description="An idle slot that missed its hints is restarted.")

    sandbox_minimum: SandboxLevel = Field("rlimits", description="A slot below this level refuses to start.")
    max_blob_bytes: int = Field(8 << 30, gt=0)

    @property
    def paths(self) -> "HomePaths":
        """Where everything lies under the home folder."""
        return HomePaths(self.home)

    @property
    def database(self) -> str:
        """The URL of the database, the one in the home folder unless another was set."""
        return self.database_url or f"sqlite:///{self.paths.database.absolute()}"


@dataclass(frozen=True)
class HomePaths:
    """The layout of the home folder, spelled here alone.

    HOME/
    ├── winnow.db          records, leases, events (SQLite, WAL)
    ├── blobs/             bytes named by their sha256
    ├── attempts/          one folder per running attempt
    ├── redis/             the private server's append-only file
    └── logs/              one file per process
    """

    home: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "winnow.db"

    @property
    def blobs(self) -> Path:
        """The blob folder."""
        return self.home / "blobs"

    @property
    def attempts(self) -> Path:
        """Where attempts are laid out."""
        return self.home / "attempts"

    @property
    def redis(self) -> Path:
        """Where the private Redis keeps its append-only file."""
        return self.home / "redis"

    @property
    def logs(self) -> Path:
        """Where processes write their logs."""
        return self.home / "logs"

    def make(self) -> None:
        """Create the folders that are missing, readable by their owner alone."""
        for folder in (self.home, self.blobs, self.attempts, self.redis, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
