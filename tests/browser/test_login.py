"""The pages in a real browser with keys on: they ask for one, then everything works, and it ends."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from winnow import Client
from winnow.local import serving

pytestmark = pytest.mark.processes

TEXT = "document.body.innerText"
WHERE = "location.pathname + location.search"


def _keys(home: Path, *words: str) -> str:
    command = [Path(sys.executable).with_name("winnow-server"), "keys", *words, "--home", home]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def home(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarded") / "home"


@pytest.fixture(scope="module")
def key(home: Path) -> str:
    return _keys(home, "create", "--tenant", "ada", "--scope", "submit").strip()


@pytest.fixture(scope="module")
def guarded(home: Path, key: str) -> Iterator[str]:
    with serving(home, slots="cpu=1,inspect=1") as address:
        yield address


@pytest.fixture(scope="module")
def ada(guarded: str, key: str) -> Iterator[Client]:
    with Client(guarded, key) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _logged_out(browser: Any) -> None:
    browser.ask("Network.clearBrowserCookies")


def until(browser: Any, expression: str, seconds: float = 30) -> Any:
    """Wait until something is so in the page, which may be on its way to another one."""
    deadline = monotonic() + seconds
    while True:
        try:
            if found := browser.value(f"new Promise(done => setTimeout(() => done({expression}), 50))"):
                return found
        except RuntimeError:
            pass  # the page it was asked in is gone
        assert monotonic() < deadline, (expression, browser.value(WHERE), browser.value(TEXT))


def log_in(browser: Any, guarded: str, key: str, path: str = "/") -> None:
    browser.visit(guarded + path)
    until(browser, "document.activeElement.id === 'key'")
    browser.ask("Input.insertText", text=key)
    browser.value("document.querySelector('form.login button').click()")
    until(browser, f"{WHERE} === {path!r} && document.readyState === 'complete'")


def test_a_page_asks_for_the_key_and_goes_on_to_where_one_wanted(browser: Any, guarded: str, key: str) -> None:
    browser.visit(f"{guarded}/?page_token=")
    assert browser.value(WHERE).startswith("/login?next=")
    assert browser.complaints() == []
    log_in(browser, guarded, key, "/")
    assert "Log out" in browser.value(TEXT)
    assert browser.complaints() == []
    assert browser.value("document.cookie") == ""


def test_a_wrong_key_is_told(browser: Any, guarded: str, key: str) -> None:
    browser.visit(f"{guarded}/login")
    until(browser, "document.activeElement.id === 'key'")
    browser.ask("Input.insertText", text=key[:-1])
    browser.value("document.querySelector('form.login button').click()")
    until(browser, "document.body.innerText.includes('unknown here')")
    assert key[:-1] not in browser.value("document.documentElement.outerHTML")


def test_a_running_job_is_followed_to_its_downloads_with_the_cookie(
    browser: Any, guarded: str, key: str, ada: Client, submission: Any
) -> None:
    recipe = submission["recipe"] | {"training": {"length": "20ep"}}
    job = ada.submit(submission | {"recipe": recipe, "name": "followed"})
    log_in(browser, guarded, key, f"/jobs/{job['id']}")
    assert "sparse.safetensors" not in browser.value(TEXT)
    until(browser, "document.body.innerText.includes('sparse.safetensors')", seconds=180)
    assert "succeeded" in browser.value(TEXT)
    fetched = "fetch(document.querySelector('.button.main').href).then(a => a.ok && a.blob()).then(b => b.size)"
    assert browser.value(fetched) > 10_000
    browser.visit(f"{guarded}/v1/jobs/{job['id']}/report.html")
    assert "followed" in browser.value(TEXT)


def test_a_page_whose_login_is_over_asks_again(
    browser: Any, guarded: str, home: Path, key: str, ada: Client, submission: Any
) -> None:
    recipe = submission["recipe"] | {"training": {"length": "200ep"}}
    job = ada.submit(submission | {"recipe": recipe, "name": "left open"})
    other = _keys(home, "create", "--tenant", "ada", "--scope", "read").strip()
    log_in(browser, guarded, other, f"/jobs/{job['id']}")
    (listed,) = [line for line in _keys(home, "list").splitlines() if other[:8] in line]
    _keys(home, "revoke", listed.split()[0])
    until(browser, "location.pathname === '/login'", seconds=60)
    ada.cancel(job["id"])


def test_logging_out_ends_it(browser: Any, guarded: str, key: str) -> None:
    log_in(browser, guarded, key)
    browser.value("document.querySelector('nav form button').click()")
    until(browser, "location.pathname === '/login'")
    browser.visit(f"{guarded}/")
    assert browser.value("location.pathname") == "/login"


class _Elsewhere(SimpleHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><p>elsewhere")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_of_another_origin_cannot_use_the_login(browser: Any, guarded: str, key: str, elsewhere: str) -> None:
    # Another port is another origin, yet the same site to cookies: what holds here is not SameSite.
    log_in(browser, guarded, key)
    browser.visit(elsewhere)
    form = f'<form method="post" action="{guarded}/logout"><button></button></form>'
    browser.value(f"document.body.innerHTML = '{form}'; document.querySelector('button').click()")
    until(browser, "document.body.innerText.includes('cross_site_refused')")
    browser.visit(f"{guarded}/")
    assert browser.value("location.pathname") == "/"
    browser.visit(guarded.replace("127.0.0.1", "localhost") + "/")
    assert browser.value("location.pathname") == "/login"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_fits_and_complains_of_nothing(browser: Any, guarded: str, scheme: str) -> None:
    browser.visit(f"{guarded}/login", scheme=scheme, width=390)
    assert browser.value("document.documentElement.scrollWidth") <= 390
    assert browser.complaints() == []
