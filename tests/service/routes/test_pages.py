"""service.routes.pages: every state of a job has a page, nothing from outside is markup, and no script is needed."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from jobs.leases import Failed, finish

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Tags(HTMLParser):
    """Collects what a browser would take for markup."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _page(service: Any, path: str) -> Tags:
    answer = service.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    tags = Tags(answer.text)
    _obeys_its_policy(tags)
    return tags


def _obeys_its_policy(tags: Tags) -> None:
    """The policy allows scripts and styles of our own files alone: anything else would not run."""
    for tag, attributes in tags.seen:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert "style" not in attributes
        assert tag != "style"
        if tag == "script":
            assert str(attributes["src"]).startswith("/static/")


def _result(*values: float) -> dict[str, Any]:
    return {"values": list(values), "mean": sum(values) / len(values), "n": len(values)}


def _report(name: str = "x") -> dict[str, Any]:
    levels = [
        {
            "level": level,
            "kept": kept,
            "total": 1000,
            "sparsity": 1 - kept / 1000,
            "layers": [],
            "validation": {"accuracy": 0.95},
            "test": {"dense": _result(0.95, 0.96, 0.94)} | ({"ticket": _result(0.96, 0.95, 0.97)} if level else {}),
            "verdict": "winning" if level else None,
        }
        for level, kept in enumerate((1000, 800))
    ]
    against = {"dense": {"interval": [-0.002, 0.008]}, "reinit": {}}
    certificate = {"level": 1, "verdict": "winning", "n": 3, "tolerance": 0.005, "against": against, "not_beaten": []}
    return {
        "levels": levels,
        "search": {"name": "iterative", "delivered_level": 1},
        "certificate": certificate,
        "sizes": {"sparse.safetensors": 2310, "dense_weights": 5120},
        "job": {"name": name},
    }


def _succeeded(service: Any, *files: str, **changes: Any) -> str:
    job_id: str = service.submit(**changes)["id"]
    taken = service.claim(job_id)
    for level in range(2):
        service.level(taken, level, 0.95)
    gate = {"outcome": "missed", "gates": [
        {"name": "min_sparsity", "bound": "at least", "expected": 0.9, "came": 0.2, "outcome": "missed"}
    ]}  # fmt: skip
    made = {"report.json": json.dumps(_report()).encode(), "manifest.json": b"{}", "sparse.safetensors": b"12345"}
    service.finish(taken, made | dict.fromkeys(files, b"x"), gate=gate)
    return job_id


def test_an_empty_house_shows_how_to_send_the_first_job(run_service: Any, tmp_path: Any) -> None:
    with run_service(tmp_path, None) as service:
        shown = "".join(_page(service, "/").text)
        assert "No job yet" in shown
        assert f"winnow compress --url {service.url}" in shown


def test_the_first_page_lists_jobs_with_state_and_progress(service: Any) -> None:
    job_id = service.submit(name="in the list")["id"]
    taken = service.claim(job_id)
    service.progress(taken, fraction=0.25, level=1, levels_total=3)
    tags = _page(service, "/")
    assert "in the list" in tags.text
    assert ("a", {"class": "name", "href": f"/jobs/{job_id}"}) in tags.seen
    assert any(tag == "progress" and attributes["value"] == "0.25" for tag, attributes in tags.seen)


def test_a_queued_job_says_what_it_waits_for(service: Any) -> None:
    job_id = service.submit()["id"]
    service.inspect()
    assert any("No worker for this device" in text for text in _page(service, f"/jobs/{job_id}").text)


def test_a_running_job_is_live_and_comes_again_by_itself_without_scripts(service: Any) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    service.started(taken)
    service.level(taken, 0, 0.95)
    service.level(taken, 1, 0.94)
    service.progress(taken, fraction=0.5, level=2, levels_total=3, seconds_remaining=84)
    tags = _page(service, f"/jobs/{job_id}")
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in tags.seen
    live = next(attributes for _, attributes in tags.seen if "data-events" in attributes)
    assert (live["data-done"], str(live["data-events"]).endswith(f"/v1/jobs/{job_id}/events")) == ("false", True)
    assert "1 min 24 s left" in tags.text
    assert sum(tag == "circle" for tag, _ in tags.seen) == 2


def test_a_succeeded_job_shows_verdict_curve_levels_gates_and_downloads(service: Any) -> None:
    job_id = _succeeded(service)
    tags = _page(service, f"/jobs/{job_id}")
    shown = " ".join(tags.text)
    for words in ("winning", "20.00 %", "95.00 %", "+1.00 pt", "min_sparsity", "missed", "of 5.1 kB dense"):
        assert words in shown
    hrefs = [attributes.get("href") for tag, attributes in tags.seen if tag == "a"]
    assert f"/v1/jobs/{job_id}/artifacts/sparse.safetensors" in hrefs
    assert not any(tag == "script" for tag, _ in tags.seen)
    digest = next(item["sha256"] for item in service.http.get(f"/v1/jobs/{job_id}/artifacts").json()["items"])
    assert digest in shown


@pytest.mark.parametrize(
    ("files", "offered"),
    [
        ((), "--target onnx , pt2 or hf ."),
        (("model.onnx", "hf/config.json"), "--target pt2 ."),
        (("slim.onnx", "slim.pt2", "hf/config.json"), None),
    ],
)
def test_a_succeeded_job_names_the_exports_it_has_not_written(
    service: Any, files: tuple[str, ...], offered: str | None
) -> None:
    job_id = _succeeded(service, *files)
    shown = " ".join(" ".join(_page(service, f"/jobs/{job_id}").text).split())
    assert (f"winnow export {job_id} {offered}" in shown) if offered else ("winnow export" not in shown)


def test_a_job_made_from_another_leads_to_it(service: Any) -> None:
    first = _succeeded(service)
    made = service.http.post(f"/v1/jobs/{first}:rerun", json={"start": "scratch"}).json()["id"]
    tags = _page(service, f"/jobs/{made}")
    assert ("a", {"class": "mono", "href": f"/jobs/{first}"}) in tags.seen
    assert "rerun of " in tags.text
    assert "rerun of " not in _page(service, f"/jobs/{first}").text
    assert service.http.delete(f"/v1/jobs/{first}").status_code == 204
    without = _page(service, f"/jobs/{made}")
    assert first in without.text
    assert f"/jobs/{first}" not in {attributes.get("href") for _, attributes in without.seen}


def test_a_grid_made_from_another_leads_to_it(service: Any) -> None:
    asked = {"model": {"architecture": "mlp", "seed": 0}, "dataset": {"uri": "builtin:digits"}}
    asked |= {"recipe": {"search": "iterative"}, "grid": {"/seed": [0, 1]}}
    first = service.post("/v1/jobs:sweep", asked).json()["id"]
    assert service.http.post(f"/v1/jobs/{first}:cancel").status_code in (200, 202)
    made = service.http.post(f"/v1/jobs/{first}:rerun", json={"start": "scratch"}).json()["id"]
    assert ("a", {"class": "mono", "href": f"/jobs/{first}"}) in _page(service, f"/jobs/{made}").seen


def test_a_failed_job_says_why(service: Any) -> None:
    job_id = service.submit()["id"]
    taken = service.claim(job_id)
    finish(service.database, taken.lease, outcome=Failed({"code": "diverged", "detail": "the loss is nan & <b>"}))
    tags = _page(service, f"/jobs/{job_id}")
    assert "the loss is nan & <b>" in " ".join(tags.text)
    assert ("a", {"href": "/errors#job-diverged"}) in tags.seen


def test_what_a_client_writes_is_text_everywhere(service: Any) -> None:
    job_id = _succeeded(service, name=HOSTILE, labels={"note": HOSTILE})
    for path in ("/", f"/jobs/{job_id}"):
        tags = _page(service, path)
        assert HOSTILE in " ".join(tags.text)
        assert not any(attributes.get("src") == "x" for _, attributes in tags.seen)


def test_earlier_jobs_are_a_page_away(service: Any) -> None:
    for _ in range(26):
        service.submit(name="many")
    earlier = next(
        str(attributes["href"])
        for _, attributes in _page(service, "/").seen
        if str(attributes.get("href", "")).startswith("/?page_token=")
    )
    assert len([tag for tag, _ in _page(service, earlier).seen if tag == "tr"]) >= 2


@pytest.mark.parametrize(("path", "words"), [("/docs", "/v1/jobs:validate"), ("/errors", "digest_mismatch")])
def test_the_pages_about_the_api_hold_all_of_it(service: Any, path: str, words: str) -> None:
    assert words in " ".join(_page(service, path).text)


def test_the_type_of_a_problem_leads_to_its_explanation(service: Any) -> None:
    problem = service.http.get("/v1/jobs/nothing").json()
    path, _, anchor = problem["type"].partition("#")
    assert any(attributes.get("id") == anchor for _, attributes in _page(service, path).seen)


def test_a_page_of_a_job_there_is_not_is_a_problem(service: Any) -> None:
    answer = service.http.get("/jobs/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def test_everything_a_page_needs_is_served_from_here(service: Any) -> None:
    html = service.http.get("/").text
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', html):
        assert service.http.get(path).status_code == 200
    assert "http://" not in html.replace(service.url, "")
    assert "https://" not in html
