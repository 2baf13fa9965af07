"""jobs.waiting.hinting: as many hints as there is work, and never more than twice the slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.waiting.hinting import missing_hints

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def wanted(bench: Bench, **live: int) -> dict[str, int]:
    with bench.db.read() as conn:
        return missing_hints(conn, live=live)


@pytest.mark.parametrize(
    ("jobs", "slots", "hints"), [(0, 2, {}), (1, 2, {"cpu": 1}), (4, 2, {"cpu": 4}), (9, 2, {"cpu": 4})]
)
def test_hints_are_as_many_as_jobs_and_at_most_twice_the_slots(
    bench: Bench, jobs: int, slots: int, hints: dict[str, int]
) -> None:
    bench.ready()
    for _ in range(jobs):
        bench.submit()
    assert wanted(bench, cpu=slots) == hints


def test_jobs_of_all_tenants_and_devices_count_for_the_kinds_that_may_run_them(bench: Bench) -> None:
    for tenant in ("ada", "bob"):
        bench.ready(tenant=tenant)
        for device in ("any", "cpu", "gpu"):
            bench.submit(tenant=tenant, device=device)
    assert wanted(bench, cpu=10, gpu=10, inspect=10) == {"cpu": 4, "gpu": 4}


def test_what_cannot_be_claimed_now_is_worth_no_hint(bench: Bench) -> None:
    bench.submit()
    assert wanted(bench, cpu=1, inspect=1) == {"inspect": 1}
