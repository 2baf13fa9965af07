"""The pages in a real browser: they complain of nothing, ask nobody else, and show what is."""

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from winnow import Client

pytestmark = pytest.mark.processes

TEXT = "document.body.innerText"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["/", "/jobs/{id}", "/docs"])
def test_a_page_complains_of_nothing_and_asks_nobody_else(
    browser: Any, url: str, finished: Any, page: str, scheme: str
) -> None:
    browser.visit(url + page.format(id=finished["id"]), scheme=scheme)
    assert browser.complaints() == []
    assert [asked for asked in browser.requested() if not asked.startswith((url, "data:"))] == []


def test_the_two_schemes_look_different(browser: Any, url: str, finished: Any) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        browser.visit(f"{url}/", scheme=scheme)
        grounds.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_a_finished_job_shows_its_levels_verdict_curve_and_downloads(
    browser: Any, url: str, finished: Any, script: bool
) -> None:
    browser.visit(f"{url}/jobs/{finished['id']}", script=script)
    shown = browser.value(TEXT)
    assert "1,281" in shown or "1 281" in shown or "1\N{NARROW NO-BREAK SPACE}281" in shown
    assert "sparse.safetensors" in shown
    assert any(verdict in shown for verdict in ("winning", "matching", "losing", "inconclusive"))
    assert browser.value("document.querySelectorAll('svg').length") >= 1


def test_names_are_shown_as_they_are_and_never_run(browser: Any, url: str, finished: Any) -> None:
    for page in (f"{url}/", f"{url}/jobs/{finished['id']}", f"{url}/v1/jobs/{finished['id']}/report.html"):
        browser.visit(page)
        assert finished["name"] in browser.value(TEXT)
        assert browser.value("document.title") != "owned"
        assert browser.value("document.querySelectorAll('img[src=x]').length") == 0


def test_the_page_of_a_running_job_follows_it_to_the_end(
    browser: Any, client: Client, url: str, submission: Any
) -> None:
    recipe = submission["recipe"] | {"training": {"length": "20ep"}}
    job = client.submit(submission | {"recipe": recipe})
    browser.visit(f"{url}/jobs/{job['id']}")
    assert "sparse.safetensors" not in browser.value(TEXT)
    job = client.wait(job["id"], timeout_seconds=120)
    deadline = monotonic() + 20
    while "sparse.safetensors" not in (browser.value(TEXT) or "") and monotonic() < deadline:
        # One frame of the page, so that it is the page that moves on and not the test that waits.
        browser.value("new Promise(resolve => setTimeout(resolve, 100))")
    assert "succeeded" in browser.value(TEXT)
    assert "sparse.safetensors" in browser.value(TEXT)


def test_the_report_opens_offline_and_runs_no_script(
    browser: Any, client: Client, finished: Any, tmp_path: Path
) -> None:
    client.download(finished["id"], tmp_path, names=["report.html"])
    page = (tmp_path / "report.html").as_uri()
    browser.visit(page)
    assert browser.complaints() == []
    assert browser.requested() == [page]
    assert browser.value("document.querySelectorAll('script').length") == 0
    assert browser.value("document.querySelectorAll('svg').length") >= 2


def test_the_report_keeps_its_style_when_the_browser_has_it_already(browser: Any, url: str, finished: Any) -> None:
    for _ in range(2):
        browser.visit(f"{url}/v1/jobs/{finished['id']}/report.html")
        assert [said for said in browser.complaints() if "Content Security Policy" in said] == []


def test_pages_fit_a_narrow_screen(browser: Any, url: str, finished: Any) -> None:
    for page in ("/", f"/jobs/{finished['id']}"):
        browser.visit(url + page, width=390)
        assert browser.value("document.documentElement.scrollWidth") <= 390
