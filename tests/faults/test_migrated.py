"""A slot that is started on a database of another revision refuses, and nobody starts it again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from service.operating.keeper import Keeper
from service.operating.slots import REFUSED, SlotPlan, kept_slot

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes


def move_to(house: House, revision: str) -> None:
    with house.database.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_a_slot_that_falls_after_a_newer_program_has_migrated_refuses_and_stays_down(house: House) -> None:
    logs = house.settings.paths.logs
    with Keeper([kept_slot(SlotPlan("cpu", 0), env=house.environment(), logs=logs)], grace_seconds=10) as keeper:
        house.wait_for_slots(1)
        move_to(house, "9999")
        pid = keeper.pids()["slot cpu-0"]
        os.kill(pid, signal.SIGTERM)
        house.wait_until(lambda: "schema" in (logs / "slot-cpu-0.log").read_text(), seconds=30, what="a refusal")
        house.wait_until(lambda: not keeper.pids(), seconds=10, what="the slot to stay down")
    assert "got 9999: it was made by a newer winnow" in (logs / "slot-cpu-0.log").read_text()


def test_a_slot_alone_refuses_a_database_nobody_has_migrated_yet(house: House) -> None:
    move_to(house, "0001")
    slot = house.start_slot()
    assert slot.wait(30) == REFUSED
    assert "winnow-server migrate" in (house.settings.paths.logs / "slot-cpu-0.log").read_text()
