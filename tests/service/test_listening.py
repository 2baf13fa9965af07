"""service.listening: loopback by any name, and nothing else."""

import socket

import pytest

from service.listening import RefusedError, listening_on, refuse_public, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_is_accepted(host: str) -> None:
    refuse_public(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "fe80::1", "127.0.0.1.example.org", "", "0"])
def test_anything_else_is_refused(host: str) -> None:
    with pytest.raises(RefusedError, match="no API keys yet"):
        refuse_public(host)


def test_port_0_picks_a_free_one_and_the_address_names_it() -> None:
    with listening_on("127.0.0.1", 0) as listening:
        assert url_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert not url_of(listening).endswith(":0")


def test_a_port_in_use_is_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RefusedError, match=str(port)), listening_on("127.0.0.1", port):
            pass
