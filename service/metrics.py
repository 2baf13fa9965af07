"""The state of the service in Prometheus' words, read from the database when it is asked for.

What only grows is counted in the database, so that it does not matter which process counted or how often one restarted:
every API process shows the same figures, and one of them is enough to scrape.
"""

import shutil
from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from jobs import counters, slots
from jobs.clock import now
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import blob, job

Counted = Mapping[tuple[str, str], int]
"""Counters by tenant and name."""


class ServiceMetrics(Collector):
    """Reads everything with one look at the database; says so, and nothing more, when it is away."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    def collect(self) -> Iterable[Metric]:
        """Give every metric as it is now."""
        up = GaugeMetricFamily("winnow_database_up", "Whether the database answers.")
        found: list[Metric] = []
        try:
            with self._database.read() as conn:
                found = [*_queue(conn), _slots(conn, self._settings.lease_ttl_seconds), *_bytes(conn), *_counted(conn)]
        except SQLAlchemyError:
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
        return [up, _disk(self._settings), *found]


def _queue(conn: Connection) -> list[Metric]:
    jobs = GaugeMetricFamily("winnow_jobs", "Jobs that are kept.", labels=("kind", "state"))
    counts = select(job.c.kind, job.c.state, func.count().label("jobs")).group_by(job.c.kind, job.c.state)
    for row in conn.execute(counts):
        jobs.add_metric((row.kind, row.state), row.jobs)
    depth = GaugeMetricFamily("winnow_queue_depth", "Jobs that could start.", labels=("kind", "device"))
    oldest = GaugeMetricFamily(
        "winnow_queue_oldest_seconds", "How long the first of them has waited.", labels=("kind", "device")
    )
    moment = now(conn)
    waiting = select(job.c.kind, job.c.device, func.count().label("jobs"), func.min(job.c.state_since).label("since"))
    due = (job.c.state == "queued", job.c.not_before <= moment, job.c.children_open == 0)
    for row in conn.execute(waiting.where(*due).group_by(job.c.kind, job.c.device)):
        depth.add_metric((row.kind, row.device), row.jobs)
        oldest.add_metric((row.kind, row.device), max(0.0, moment - row.since))
    return [jobs, depth, oldest]


def _slots(conn: Connection, within_seconds: float) -> Metric:
    metric = GaugeMetricFamily("winnow_slots", "Slots by what they do.", labels=("kind", "doing"))
    doing: dict[tuple[str, str], int] = {}
    for slot in slots.listed(conn, within_seconds=within_seconds):
        what = "silent" if not slot["live"] else slot.get("blocked") or ("busy" if slot["job"] else "idle")
        doing[slot["kind"], what] = doing.get((slot["kind"], what), 0) + 1
    for labels, count in sorted(doing.items()):
        metric.add_metric(labels, count)
    return metric


def _bytes(conn: Connection) -> list[Metric]:
    row = conn.execute(select(func.count().label("blobs"), func.coalesce(func.sum(blob.c.bytes), 0).label("all"))).one()
    return [
        GaugeMetricFamily("winnow_blobs", "Blobs that are kept.", value=row.blobs),
        GaugeMetricFamily("winnow_blob_bytes", "Bytes of all blobs.", value=float(row.all)),
    ]


def _disk(settings: Settings) -> Metric:
    metric = GaugeMetricFamily("winnow_disk_bytes", "Of the disk the home folder lies on.", labels=("which",))
    usage = shutil.disk_usage(settings.home)
    metric.add_metric(("free",), usage.free)
    metric.add_metric(("total",), usage.total)
    return metric


def _counted(conn: Connection) -> list[Metric]:
    counted = counters.read_all(conn)
    ended = CounterMetricFamily("winnow_jobs_ended", "Jobs that came to an end.", labels=("tenant", "state"))
    for (tenant, name), value in sorted(counted.items()):
        if name.startswith(counters.JOBS_ENDED):
            ended.add_metric((tenant, name.removeprefix(counters.JOBS_ENDED)), value)
    return [
        ended,
        _total(counted, counters.LEASES_LOST, "winnow_leases_lost", "Leases that ran out."),
        _total(counted, counters.STALE_WRITES_REFUSED, "winnow_stale_writes_refused", "Writes under an old fence."),
        _total(counted, counters.STRIKES, "winnow_strikes", "Attempts that ended without a new checkpoint."),
        _total(
            counted, counters.DEVICE_MILLISECONDS, "winnow_device_seconds", "Time slots were held by jobs.", by=0.001
        ),
        _total(counted, counters.MESSAGES_REFUSED, "winnow_messages_refused", "Messages that were no hints."),
        _levels(counted),
    ]


def _total(counted: Counted, name: str, shown: str, help_text: str, *, by: float = 1.0) -> Metric:
    metric = CounterMetricFamily(shown, help_text, labels=("tenant",))
    for (tenant, counter), value in sorted(counted.items()):
        if counter == name:
            metric.add_metric((tenant,), value * by)
    return metric


def _levels(counted: Counted) -> Metric:
    metric = HistogramMetricFamily("winnow_level_seconds", "Time one level took.", labels=("tenant",))
    for (tenant, name), levels in sorted(counted.items()):
        if name != counters.LEVELS:
            continue
        bounds = [(str(float(b)), f"{counters.LEVEL_SECONDS_AT_MOST}{b}") for b in counters.LEVEL_SECONDS]
        buckets = [(bound, float(counted.get((tenant, key), 0))) for bound, key in bounds]
        seconds = counted.get((tenant, counters.LEVEL_MILLISECONDS), 0) / 1000
        metric.add_metric((tenant,), buckets=[*buckets, ("+Inf", float(levels))], sum_value=seconds)
    return metric
