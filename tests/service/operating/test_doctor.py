"""service.operating.doctor: what is wrong is named, and what cannot be reached is a finding and no error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import text

from jobs import broker
from jobs.database import Database
from jobs.settings import Settings
from service.operating import doctor
from service.operating.doctor import Finding, look_over


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in look_over(settings)}


def settings_for(tmp_path: Path, **values: Any) -> Settings:
    settings = Settings(home=tmp_path / "home", **values)
    settings.paths.make()
    return settings


def test_a_house_in_order_has_nothing_wrong(tmp_path: Path, database_url: str, redis_url: str) -> None:
    findings = found(settings_for(tmp_path, database_url=database_url, redis_url=redis_url))
    assert [finding for finding in findings.values() if not finding.well] == []
    assert {"sandbox", "devices", "database", "schema", "clock", "blobs", "disk"} <= set(findings)
    assert {"Redis", "Valkey"} & set(findings)


def test_a_home_nothing_has_run_on_yet_is_in_order(tmp_path: Path) -> None:
    assert [finding for finding in look_over(settings_for(tmp_path)) if not finding.well] == []


def test_a_database_that_is_away_is_a_finding(tmp_path: Path) -> None:
    findings = found(settings_for(tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none"))
    assert not findings["database"].well
    assert "OperationalError" in findings["database"].detail


def test_a_schema_of_another_revision_is_named(tmp_path: Path, database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.close()
    schema = found(settings_for(tmp_path, database_url=database_url))["schema"]
    assert not schema.well
    assert "got 0001" in schema.detail


def test_a_clock_that_is_off_is_named(database_url: str) -> None:
    database = Database.open(database_url)
    with database.read() as conn:
        there = Database.now(conn)
        assert doctor._clock(conn, clock=lambda: there).well
        late = doctor._clock(conn, clock=lambda: there - 600)
    database.close()
    assert not late.well
    assert late.detail.startswith(("+600", "+599"))


def test_a_redis_that_evicts_is_named(tmp_path: Path, start_redis: Callable[[], Any]) -> None:
    _, url = start_redis()
    with broker.client(url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    findings = found(settings_for(tmp_path, redis_url=url))
    assert not findings.get("Redis", findings.get("Valkey")).well  # type: ignore[union-attr]


def test_a_key_of_redis_that_should_be_a_queue_and_is_none_is_named(
    tmp_path: Path, start_redis: Callable[[], Any]
) -> None:
    _, url = start_redis()
    settings = settings_for(tmp_path, redis_url=url)
    with broker.client(url) as client:
        client.lpush("winnow.gpu", "a hint")
        assert not [what for what in found(settings) if what.startswith("queue")]
        client.set("winnow.cpu", "somebody else's")
    finding = found(settings)["queue winnow.cpu"]
    assert not finding.well
    assert "got a string" in finding.detail


def test_a_redis_that_is_away_is_a_finding(tmp_path: Path) -> None:
    finding = found(settings_for(tmp_path, redis_url="redis://127.0.0.1:1/0"))["Redis"]
    assert not finding.well
    assert redis.ConnectionError.__name__ in finding.detail


def test_the_probe_of_the_store_leaves_no_trace_and_a_store_that_is_none_is_a_finding(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert found(settings)["blobs"].well
    assert [path for path in settings.paths.blobs.rglob("*") if path.is_file()] == []
    away = settings.model_copy(update={"blob_url": "nowhere://x"})
    assert not found(away)["blobs"].well


def test_a_disk_above_the_high_water_mark_is_a_finding(tmp_path: Path) -> None:
    finding = found(settings_for(tmp_path, disk_high_water=0.000001))["disk"]
    assert not finding.well
    assert "slots stop at 0%" in finding.detail
