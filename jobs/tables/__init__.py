"""The tables, as they stand after the newest migration; knows what is kept, not what it means.

Every table has a `tenant`. Times are seconds since 1970 by the database's clock. JSON never holds NaN.
"""

from jobs.tables.base import METADATA, insert_if_absent, is_first
from jobs.tables.house import api_key, counter, hold, idempotency, login, slot
from jobs.tables.inputs import blob, blob_grant, dataset, model
from jobs.tables.work import artifact, attempt, checkpoint, event, job, level

__all__ = [
    "METADATA",
    "api_key",
    "artifact",
    "attempt",
    "blob",
    "blob_grant",
    "checkpoint",
    "counter",
    "dataset",
    "event",
    "hold",
    "idempotency",
    "insert_if_absent",
    "is_first",
    "job",
    "level",
    "login",
    "model",
    "slot",
]
