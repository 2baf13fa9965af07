"""service.metrics and service.measuring: what is shown is what has happened, and nobody's ids are in it."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from jobs import counters


def scraped(service: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = service.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: dict[Any, float], name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def test_the_queue_is_shown_by_kind_and_device(service: Any) -> None:
    before = scraped(service)
    service.submit(device="gpu")
    service.submit(device="gpu")
    found = scraped(service)
    of = {"kind": "search", "device": "gpu"}
    assert value(found, "winnow_queue_depth", **of) - value(before, "winnow_queue_depth", **of) == 2
    assert value(found, "winnow_queue_oldest_seconds", **of) > 0
    shown = {"kind": "search", "state": "queued"}
    assert value(found, "winnow_jobs", **shown) - value(before, "winnow_jobs", **shown) == 2
    assert value(found, "winnow_database_up") == 1


def test_ends_levels_and_device_seconds_are_counted_as_they_happen(service: Any) -> None:
    before = scraped(service)
    taken = service.claim(service.submit()["id"])
    service.started(taken)
    service.level(taken, 0, 0.9, seconds=2.0)
    service.level(taken, 1, 0.9, seconds=40.0)
    service.finish(taken, {})
    found = scraped(service)

    def grown(name: str, **labels: str) -> float:
        of = {"tenant": "default", **labels}
        return value(found, name, **of) - value(before, name, **of)

    assert grown("winnow_jobs_ended_total", state="succeeded") == 1
    assert grown("winnow_level_seconds_count") == 2
    assert grown("winnow_level_seconds_sum") == 42.0
    buckets = [grown("winnow_level_seconds_bucket", le=bound) for bound in ("1.0", "3.0", "30.0", "100.0", "+Inf")]
    assert buckets == [0, 1, 1, 2, 2]
    assert grown("winnow_device_seconds_total") > 0


def test_requests_are_counted_by_route_and_not_by_id(service: Any) -> None:
    job = service.submit()["id"]
    before = scraped(service)
    for _ in range(3):
        service.http.get(f"/v1/jobs/{job}")
    service.http.get("/v1/jobs/job_01J9ZD6T2N8Q4R5S6T7V8W9X0Y")
    service.http.get("/nowhere/at/all")
    answer = service.http.get("/metrics").text
    found = scraped(service)
    of = {"method": "GET", "route": "/v1/jobs/{job_id:id}"}
    name = "winnow_http_requests_total"
    assert value(found, name, **of, status="200") - value(before, name, **of, status="200") == 3
    assert value(found, name, **of, status="404") - value(before, name, **of, status="404") == 1
    lost = {"method": "GET", "route": "none", "status": "404"}
    assert value(found, name, **lost) - value(before, name, **lost) == 1
    assert job not in answer
    assert "nowhere" not in answer


def test_blobs_are_counted(service: Any) -> None:
    before = scraped(service)
    service.blob(b"four" * 1000)
    found = scraped(service)
    assert value(found, "winnow_blobs") - value(before, "winnow_blobs") == 1
    assert value(found, "winnow_blob_bytes") - value(before, "winnow_blob_bytes") == 4000


def test_what_slots_dropped_is_shown_as_nobodys(service: Any) -> None:
    before = scraped(service)
    with service.database.write() as conn:
        counters.add(conn, tenant=counters.EVERYONE, name=counters.MESSAGES_REFUSED, by=3)
    found, of = scraped(service), {"tenant": "*"}
    shown = "winnow_messages_refused_total"
    assert value(found, shown, **of) - value(before, shown, **of) == 3
