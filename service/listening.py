"""Where the service listens: loopback addresses alone, and the reason told for any other."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ticketing.errors import WinnowError


class RefusedError(WinnowError):
    """The service refuses to run like this."""

    code = "refused"


def refuse_public(host: str) -> None:
    """Refuse to listen where other machines can reach: there are no keys yet, whoever connects may do everything.

    Raises:
        RefusedError: `host` is not a loopback address.
    """
    if host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise RefusedError(
            f"expected a loopback address such as 127.0.0.1, got {host}: there are no API keys yet, "
            "so that whoever could connect could do everything"
        )


@contextmanager
def listening_on(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a socket to an address until the block ends; port 0 picks a free one.

    Raises:
        RefusedError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
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
