"""winnow.local: a service of one's own starts, ends with its block, and says why it cannot start."""

import os
from pathlib import Path

import pytest

from winnow import Client
from winnow.errors import TransportError
from winnow.local import serving

pytestmark = pytest.mark.processes


def test_it_answers_inside_the_block_and_no_longer_after(tmp_path: Path) -> None:
    with serving(tmp_path / "home", slots="none") as url, Client(url) as client:
        assert list(client.list()) == []
    with Client(url, sleep=lambda seconds: None) as client, pytest.raises(TransportError):
        client.show("job_1")


def test_why_it_did_not_start_is_in_the_message(tmp_path: Path) -> None:
    environment = os.environ | {"WINNOW_HOST": "0.0.0.0"}
    with (
        pytest.raises(TransportError, match="loopback"),
        serving(tmp_path / "home", slots="none", environment=environment),
    ):
        pass
