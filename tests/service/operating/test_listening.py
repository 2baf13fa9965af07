"""service.operating.listening: loopback by any name is for everyone, any other address for those with a key."""

import socket
from asyncio.base_events import _set_nodelay  # type: ignore[attr-defined]

import pytest

from service.operating.listening import (
    RefusedError,
    allowed_hosts,
    is_loopback,
    listening_on,
    refuse_unguarded,
    url_of,
)

LOOPBACK = ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]", "::1"]
ELSEWHERE = ["0.0.0.0", "::", "10.0.0.1", "fe80::1", "127.0.0.1.example.org", "localhost.evil.com", "", "0"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_names_mean_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_names_do_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_needs_no_key(host: str) -> None:
    refuse_unguarded(host, any_key=False)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_anything_else_is_refused_until_there_is_a_key(host: str) -> None:
    with pytest.raises(RefusedError, match="there is no API key yet"):
        refuse_unguarded(host, any_key=False)
    refuse_unguarded(host, any_key=True)


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::", "10.0.0.1"])
@pytest.mark.parametrize("host", LOOPBACK)
def test_a_request_under_a_loopback_name_is_served_wherever_it_listens(bound: str, host: str) -> None:
    assert allowed_hosts(bound, "")(host)


@pytest.mark.parametrize(
    ("bound", "names", "host", "allowed"),
    [
        ("10.0.0.1", "", "10.0.0.1", True),
        ("10.0.0.1", "", "10.0.0.2", False),
        ("fd00::1", "", "[fd00::1]", True),
        ("0.0.0.0", "", "0.0.0.0", False),
        ("::", "", "[::]", False),
        ("0.0.0.0", "winnow.example.org, other", "WINNOW.example.org", True),
        ("0.0.0.0", "winnow.example.org, other", "other", True),
        ("0.0.0.0", "winnow.example.org", "evil.winnow.example.org", False),
        ("0.0.0.0", "winnow.example.org", "", False),
        ("0.0.0.0", ",,", "", False),
        ("0.0.0.0", "*", "anything.example", True),
        ("127.0.0.1", "", "example.com", False),
    ],
)
def test_other_names_are_served_when_it_listens_there_or_the_operator_said_so(
    bound: str, names: str, host: str, allowed: bool
) -> None:
    assert allowed_hosts(bound, names)(host) is allowed


def test_port_0_picks_a_free_one_and_the_address_names_it() -> None:
    with listening_on("127.0.0.1", 0) as listening:
        assert url_of(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert not url_of(listening).endswith(":0")


def test_no_answer_is_held_back_until_its_beginning_was_acknowledged() -> None:
    with listening_on("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()[:2]):
            accepted, _ = listening.accept()
            with accepted:
                _set_nodelay(accepted)
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_port_in_use_is_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RefusedError, match=str(port)), listening_on("127.0.0.1", port):
            pass
