"""Whether this process can take jobs and somebody can run them: database, Redis, slots and how tightly they hold."""

from dataclasses import dataclass
from typing import Any, get_args

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from jobs import broker, slots
from jobs.database import Database
from jobs.settings import SandboxLevel, Settings

LEVELS: tuple[str, ...] = get_args(SandboxLevel)
"""Weakest first."""


@dataclass(frozen=True)
class Readiness:
    """What was found; `missing` is empty when the service is ready."""

    sandbox: str | None
    """The weakest level any live slot holds its children at."""
    slots: dict[str, int]
    """Live ones, by kind."""
    missing: dict[str, str]
    """What is not as it should be, and what it should be."""

    def as_json(self) -> dict[str, Any]:
        """Give it as members of the answer."""
        checks = {name: self.missing.get(name, "ok") for name in ("database", "redis", "slots", "sandbox")}
        return {"sandbox": self.sandbox, "slots": self.slots, "checks": checks}


def readiness(database: Database, settings: Settings) -> Readiness:
    """Look at everything a job needs; takes a few seconds at most, also when Redis is frozen."""
    missing: dict[str, str] = {}
    live: list[dict[str, Any]] = []
    try:
        with database.read() as conn:
            listed = slots.listed(conn, within_seconds=settings.lease_ttl_seconds)
        live = [slot for slot in listed if slot["live"]]
    except SQLAlchemyError:
        missing["database"] = "expected an answer, got none"
    if not _redis_answers(settings.redis_url):
        missing["redis"] = "expected an answer, got none"
    if not live:
        missing["slots"] = "expected a worker that lives, got none"
    sandbox = min((slot["sandbox"] for slot in live), key=LEVELS.index, default=None)
    if sandbox is not None and LEVELS.index(sandbox) < LEVELS.index(settings.sandbox_minimum):
        missing["sandbox"] = f"expected at least {settings.sandbox_minimum}, got {sandbox}"
    kinds = [slot["kind"] for slot in live]
    return Readiness(sandbox, {kind: kinds.count(kind) for kind in sorted(set(kinds))}, missing)


def _redis_answers(url: str | None) -> bool:
    if url is None:
        return False
    try:
        with broker.client(url) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False
