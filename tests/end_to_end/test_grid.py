"""A grid from one request to its report: real jobs on real workers, gathered, downloaded, cancelled as one."""

import csv
import io
import json
import time
from typing import Any

import httpx2
import pytest

from winnow.tables import report_parts

# With this database the reports that are gathered come back from S3; tests/faults/test_whole_tree.py tries both.
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.backends("postgresql")]

EVIDENCE = {"replicates": 1, "controls": ["reinit"]}
GRID = {
    "name": "two by two",
    "model": {"architecture": "mlp", "arguments": {"hidden": [16]}, "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "training": {"length": "1ep"}, "evidence": EVIDENCE},
    "grid": {"/seed": [0, 1], "/target/sparsity": [0.3, 0.5]},
    "gates": {"min_sparsity": 0.29},
}


def wait(http: httpx2.Client, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        job: dict[str, Any] = http.get(f"/v1/jobs/{job_id}", params={"wait": 10}).json()
        if job["done"]:
            return job
    raise AssertionError(f"expected the grid to be done, got {job}")


def test_a_grid_of_real_jobs_ends_in_one_report(url: str) -> None:
    with httpx2.Client(base_url=url, timeout=60, follow_redirects=True) as http:
        grid = http.post("/v1/jobs:sweep", json=GRID).json()
        done = wait(http, grid["id"])
        assert done["state"] == "succeeded", done["error"]
        assert done["children"] == {"total": 4, "open": 0, "by_state": {"succeeded": 4}}
        assert done["gate"]["outcome"] == "passed"

        children = http.get(f"/v1/jobs/{grid['id']}/children").json()["items"]
        report = http.get(f"/v1/jobs/{grid['id']}/report").json()
        assert [point["job"] for point in report["points"]] == [child["id"] for child in children]
        for point, child in zip(report["points"], children, strict=True):
            own = http.get(f"/v1/jobs/{child['id']}/report").json()["search"]
            assert point["sparsity"] == own["delivered"]["sparsity"]
            assert point["accuracy"] == own["test_accuracy"]
            assert child["best"]["sparsity"] == point["best"]["sparsity"]
        assert {round(point["sparsity"], 1) for point in report["points"]} == {0.3, 0.5}

        assert [entry["point"] for entry in report["pooled"]] == [{"/target/sparsity": 0.3}, {"/target/sparsity": 0.5}]
        for entry in report["pooled"]:
            assert (entry["refused"], entry["seeds"], entry["certificate"]["n"]) == (None, [0, 1], 2)
            for other in ("dense", "reinit"):
                own = [http.get(f"/v1/jobs/{job}/report").json()["certificate"]["against"] for job in entry["jobs"]]
                alone = [value for against in own for value in against[other]["differences"]]
                assert entry["certificate"]["against"][other]["differences"] == alone
        assert len(report_parts(report)) == 2 + len(report["pooled"])  # the table, what is best, what is pooled
        assert "2 of 2 seeds" in http.get(f"/jobs/{grid['id']}").text

        table = http.get(f"/v1/jobs/{grid['id']}/artifacts/levels.csv")
        assert table.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert len(rows) == sum(len(point["levels"]) for point in report["points"])
        assert {row["job"] for row in rows} == {child["id"] for child in children}
        assert "<svg" in http.get(f"/v1/jobs/{grid['id']}/report.html").text
        assert http.get(f"/v1/jobs/{grid['id']}/report.md").text.startswith("# two by two")
        assert http.get(f"/v1/jobs/{grid['id']}/bundle").status_code == 200
        assert http.get(f"/jobs/{grid['id']}").status_code == 200

        assert http.delete(f"/v1/jobs/{grid['id']}").status_code == 204
        assert http.get(f"/v1/jobs/{children[0]['id']}").status_code == 404


def test_cancelling_a_grid_stops_the_child_that_runs(url: str) -> None:
    long = {**GRID, "recipe": {**GRID["recipe"], "training": {"length": "2000ep"}}}  # type: ignore[dict-item]
    with httpx2.Client(base_url=url, timeout=60, follow_redirects=True) as http:
        grid = http.post("/v1/jobs:sweep", json=long).json()
        deadline = time.monotonic() + 120
        while "running" not in http.get(f"/v1/jobs/{grid['id']}").json()["children"]["by_state"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert http.post(f"/v1/jobs/{grid['id']}:cancel").json()["state"] == "cancelling"
        done = wait(http, grid["id"])
        assert done["state"] == "cancelled"
        assert done["children"]["by_state"] == {"cancelled": 4}
        events = http.get(f"/v1/jobs/{grid['id']}/events").json()["items"]
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert json.dumps(events).count('"job.cancelled"') == 1
