"""deploy/alerts.yml: every alarm is about a metric there is, and has a page that says what to do."""

import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry, generate_latest

from jobs import counters
from jobs.database import Database
from jobs.settings import Settings
from service.measuring import RequestMetrics
from service.metrics import ServiceMetrics

ROOT = Path(__file__).parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"][0]["rules"]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def names_shown(tmp_path: Path, database_url: str) -> set[str]:
    """Name every metric a service with something to tell would show."""
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    metrics.answered.labels("GET", "/", "200").inc()
    database = Database.open(database_url)
    with database.write() as conn:
        for name in (counters.LEASES_LOST, counters.STALE_WRITES_REFUSED, counters.STRIKES):
            counters.add(conn, tenant="ada", name=name)
        counters.add(conn, tenant="ada", name=f"{counters.JOBS_ENDED}failed")
    registry.register(ServiceMetrics(database, Settings(home=tmp_path)))
    shown = generate_latest(registry).decode()
    database.close()
    return set(re.findall(r"^# TYPE (\S+)", shown, re.MULTILINE))


def test_every_alarm_is_about_metrics_there_are(tmp_path: Path, database_url: str) -> None:
    shown = names_shown(tmp_path, database_url)
    for rule in RULES:
        asked = set(re.findall(r"winnow_\w+", rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= shown, rule["alert"]


def test_every_metric_is_told_of_on_the_page(tmp_path: Path, database_url: str) -> None:
    for name in names_shown(tmp_path, database_url) - {"python_info"}:
        if not name.endswith("_created"):
            assert f"`{name}" in OPERATIONS, name


def test_every_alarm_has_its_paragraph_and_every_paragraph_its_alarm() -> None:
    headings = {name for line in re.findall(r"^### (.*)$", OPERATIONS, re.MULTILINE) for name in line.split(", ")}
    assert {rule["alert"] for rule in RULES} == headings
