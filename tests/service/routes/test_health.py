"""service.routes.health: alive whatever is missing, ready when nothing is."""

from pathlib import Path
from typing import Any

import pytest

from jobs.slots import SlotIdentity


def test_it_lives_and_is_not_ready_without_slots_and_redis(run_service: Any, tmp_path: Path) -> None:
    with run_service(tmp_path, None) as service:
        assert service.http.get("/healthz").json() == {"status": "ok"}
        answer = service.http.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.json()["checks"]["database"] == "ok"
        assert answer.json()["checks"]["redis"] == "expected an answer, got none"
        assert answer.json()["checks"]["slots"] == "expected a worker that lives, got none"
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("sandbox", "minimum", "status"), [("landlock", "landlock", 200), ("rlimits", "landlock", 503)]
)
def test_it_is_ready_when_slots_hold_their_children_tightly_enough(
    run_service: Any, tmp_path: Path, redis_url: str, sandbox: str, minimum: str, status: int
) -> None:
    with run_service(tmp_path, redis_url, sandbox_minimum=minimum) as service:
        service.announce(SlotIdentity("a", ("cpu",), "landlock"))
        service.announce(SlotIdentity("b", ("inspect",), sandbox))
        answer = service.http.get("/readyz")
        assert (answer.status_code, answer.json()["sandbox"]) == (status, sandbox)
        assert answer.json()["slots"] == {"cpu": 1, "inspect": 1}


def test_a_database_that_is_gone_is_told_and_the_process_lives(
    run_service: Any, tmp_path: Path, redis_url: str
) -> None:
    with run_service(tmp_path, redis_url) as service:
        service.announce(SlotIdentity("a", ("cpu",), "landlock"))
        assert service.http.get("/readyz").status_code == 200
        with service.database.write() as conn:
            conn.exec_driver_sql("ALTER TABLE slot RENAME TO gone")
        assert service.http.get("/readyz").json()["checks"]["database"] == "expected an answer, got none"
        assert service.http.get("/healthz").status_code == 200
