"""What an operator may set, and where everything lies under the home folder; reads the environment, opens nothing."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SandboxLevel = Literal["none", "rlimits", "landlock", "container"]
"""How tightly a child is held, weakest first."""


_DAY = 86400.0


class Settings(BaseSettings):
    """Each field is also an environment variable, `WINNOW_` in front; durations are short in tests.

    With `WINNOW_SECRETS_DIR` each may also be a file in that folder, e.g. `winnow_s3_secret_access_key`.
    """

    model_config = SettingsConfigDict(
        env_prefix="WINNOW_", extra="ignore", frozen=True, secrets_dir=os.environ.get("WINNOW_SECRETS_DIR")
    )

    home: Path = Field(default_factory=lambda: Path.home() / ".winnow", description="Everything kept lies in here.")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    database_url: str | None = Field(None, description="SQLAlchemy URL; absent: SQLite in the home folder.")
    redis_url: str | None = Field(None, description="Absent: a private server is started under the home folder.")
    blob_url: str | None = Field(None, description="s3://bucket/prefix; absent: a folder in the home folder.")
    s3_endpoint: str | None = Field(None, description="Of an S3-compatible store; absent: that of AWS.")
    s3_region: str = "us-east-1"
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    store_patience_seconds: float = Field(60, gt=0, description="A run waits this long for a store that is away.")
    s3_presign: bool = Field(True, description="Send downloads to the store by a signed address.")
    s3_public_endpoint: str | None = Field(None, description="The store as clients reach it, where it differs.")
    tenant: str = Field("default", description="Whose everything is while no keys are configured.")
    allowed_hosts: str = Field("", description="Names it is reached under, by commas; * is any. Loopback always is.")
    login_seconds: float = Field(12 * 3600, gt=0, description="How long a browser stays logged in.")

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
    uploads_from: SandboxLevel = Field("landlock", description="The weakest level that may open uploaded files.")
    max_blob_bytes: int = Field(8 << 30, gt=0)
    slot_memory_bytes: int | None = Field(None, gt=0, description="Of one job on a CPU; absent: all there is.")
    disk_high_water: float = Field(0.95, gt=0, le=1, description="Used fraction above which no slot takes a job.")

    pause_seconds: float = Field(7 * _DAY, gt=0, description="A job paused for longer is cancelled.")
    retain_succeeded_seconds: float | None = Field(None, gt=0, description="Absent: until it is deleted.")
    retain_failed_seconds: float | None = Field(30 * _DAY, gt=0)
    retain_cancelled_seconds: float | None = Field(30 * _DAY, gt=0)
    retain_inspection_seconds: float | None = Field(7 * _DAY, gt=0, description="Of an inspection's own record.")
    retain_upload_seconds: float | None = Field(7 * _DAY, gt=0, description="Of bytes no model or dataset is made of.")
    collect_after_seconds: float = Field(_DAY, ge=0, description="Bytes nobody names are deleted when this old.")

    log_format: Literal["text", "json"] = "text"

    @property
    def paths(self) -> "HomePaths":
        """Where everything lies under the home folder."""
        return HomePaths(self.home)

    def retain_seconds(self, kind: str, state: str) -> float | None:
        """Say how long a job that ended is kept; None: until somebody deletes it."""
        if kind == "inspect":
            return self.retain_inspection_seconds
        return {
            "succeeded": self.retain_succeeded_seconds,
            "failed": self.retain_failed_seconds,
            "cancelled": self.retain_cancelled_seconds,
        }[state]

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
