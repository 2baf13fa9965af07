"""Where the service listens, and under which names; knows no key, but that there has to be one."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ticketing.errors import WinnowError

WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - named here, so that they are no name of ours


class RefusedError(WinnowError):
    """The service refuses to run like this."""

    code = "refused"


def is_loopback(host: str) -> bool:
    """Say whether a host name can only mean this machine: no name that a DNS server could point here."""
    name = host.removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def allowed_hosts(bound: str, names: str) -> Callable[[str], bool]:
    """Make the check of the name a request came under, against pages that have their own name point here.

    Loopback names always pass, the address that the service listens on too, and what the operator has named.

    Args:
        bound: What it listens on; `0.0.0.0` and `::` are no address a request could name.
        names: Separated by commas; `*` is every name.
    """
    known = {name.strip().lower().strip("[]") for name in (bound, *names.split(","))} - {"", *WILDCARDS}

    def allows(host: str) -> bool:
        return is_loopback(host) or "*" in known or host.lower().strip("[]") in known

    return allows


def refuse_unguarded(host: str, *, any_key: bool) -> None:
    """Refuse to listen where other machines can reach while whoever connects could do everything.

    Raises:
        RefusedError: `host` is not a loopback address, and no key was made yet.
    """
    if not any_key and not is_loopback(host):
        raise RefusedError(
            f"expected a loopback address such as 127.0.0.1, got {host}, where everyone who can connect could do "
            "everything: there is no API key yet (winnow-server keys create --tenant NAME --scope admin makes one)"
        )


@contextmanager
def listening_on(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a socket to an address until the block ends; port 0 picks a free one.

    Raises:
        RefusedError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, as asyncio has it that no answer waits 40 ms for an acknowledgement of its beginning.
    with socket.socket(family, proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise RefusedError(f"expected to listen on {host} port {port}, got: {error.strerror}") from None
        yield listening


def url_of(listening: socket.socket) -> str:
    """Write the address a socket is bound to as it is typed into a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
