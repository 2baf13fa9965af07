"""How many hints each kind of slot is worth at the moment; sends none and knows no broker."""

from collections.abc import Mapping
from functools import cache
from itertools import groupby

from sqlalchemy import Connection, Integer, Select, bindparam, func, select, union_all

from jobs.slots import SlotIdentity
from jobs.waiting.turns import claimable, lanes, look, tenants_waiting

HINTS_PER_SLOT = 2


def missing_hints(conn: Connection, *, live: Mapping[str, int]) -> dict[str, int]:
    """Say how many hints each kind's queue should hold; kinds that need none are left out.

    As many as there are claimable jobs, but not more than twice the slots that live: nothing is counted any further.

    Args:
        conn: A transaction.
        live: Slots per kind, as `slots.live` counts them.
    """
    wanted = {kind: _waiting(conn, kind, at_most=HINTS_PER_SLOT * count) for kind, count in live.items()}
    return {kind: hints for kind, hints in wanted.items() if hints}


def _waiting(conn: Connection, slot_kind: str, *, at_most: int) -> int:
    """Count what a slot of a kind that can run everything may claim, up to a bound in each lane."""
    seen = look(conn, SlotIdentity("", (slot_kind,), "container"))
    total = conn.execute(_total(slot_kind), {**seen.words, "at_most": at_most}).scalar_one()
    return min(int(total), at_most)  # PostgreSQL sums integers into a decimal


@cache
def _total(slot_kind: str) -> Select[int]:
    counts = []
    at_most = bindparam("at_most", type_=Integer)
    for kind, pairs in groupby(lanes((slot_kind,)), key=lambda pair: pair[0]):
        tenants = tenants_waiting(kind)
        for _, device in pairs:
            some = claimable(kind, tenants.c.tenant, device, uploads=True, outer=tenants).limit(at_most).subquery()
            count = select(func.count()).select_from(some).correlate(tenants).scalar_subquery()
            counts.append(select(count.label("jobs")).where(tenants.c.tenant.is_not(None)))
    lanes_waiting = union_all(*counts).subquery()
    return select(func.coalesce(func.sum(lanes_waiting.c.jobs), 0))
