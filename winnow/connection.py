"""Requests that are retried and answers that are checked; knows HTTP, none of Winnow's paths.

Every request sent here may be repeated: reads and PUTs are idempotent, and each POST carries an `Idempotency-Key`.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2

from winnow.errors import Json, ProblemError, TransportError, problem_error
from winnow.retries import RETRIED_CODES, RETRIED_STATUSES, Patience, asked_seconds

Body = bytes | Iterator[bytes] | None
Answer = TypeVar("Answer")


class Connection:
    """One service, spoken to with patience.

    Args:
        url: Where the service is, e.g. `http://127.0.0.1:8000`.
        key: Sent as a bearer token; None sends none.
        patience: For one request; see `Patience`.
        timeout_seconds: Of connecting, and between two pieces of an answer.
        transport: Where bytes go; None opens sockets.
        sleep: How to pass a pause.
        chance: Uniform in [0, 1), for jitter.

    Raises:
        KeyRefusedError: The key cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        timeout_seconds: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.url = url.rstrip("/")
        self.patience = patience or Patience()
        self.timeout_seconds = timeout_seconds
        self._sleep, self._chance = sleep, chance
        if key and not key.isascii():
            raise problem_error(401, {"code": "key_refused", "detail": "expected a key in ASCII, got other letters"})
        headers = {"Authorization": f"Bearer {key.strip()}"} if key else {}
        self._http = httpx2.Client(
            base_url=self.url, headers=headers, timeout=timeout_seconds, transport=transport, follow_redirects=False
        )

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Json:
        """Get a JSON document."""
        return _json(self.send("GET", path, params=params))

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Json:
        """Post a JSON document; tried again under the same key, so that it happens once."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return _json(self.send("POST", path, json=body, headers=headers))

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: Callable[[], Body] = lambda: None,
        patience: Patience | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx2.Response:
        """Send a request until it is answered with success or 304, and give the answer.

        Args:
            content: Makes the raw body, anew for every try.
            timeout_seconds: Instead of the connection's own.

        Raises:
            ProblemError: The service refused; 429 and 503 only after the patience ran out.
            TransportError: Nothing answered.
        """

        def once() -> httpx2.Response:
            body: dict[str, Any] = {"json": json} if json is not None else {"content": content()}
            response = self._http.request(
                method,
                path,
                params={k: v for k, v in (params or {}).items() if v is not None},
                headers=dict(headers or {}),
                timeout=timeout_seconds or self.timeout_seconds,
                **body,
            )
            refuse(response)
            return response

        return self.patiently(once, patience=patience)

    @contextmanager
    def open(self, path: str, *, headers: Mapping[str, str] | None = None) -> Iterator[httpx2.Response]:
        """Open an answer whose body is read piece by piece; not retried here, the caller knows where to go on.

        A service may send to the store that holds the bytes, which is then asked by somebody who has no key.
        """
        with ExitStack() as stack:
            asked = self._http.stream("GET", path, headers=dict(headers or {}), timeout=self.timeout_seconds)
            response = stack.enter_context(asked)
            if response.status_code == 307 and (address := response.headers.get("Location", "")).startswith("http"):
                response = stack.enter_context(httpx2.stream("GET", address, timeout=self.timeout_seconds))
            if response.status_code >= 400:
                response.read()
            refuse(response)
            yield response

    def patiently(self, attempt: Callable[[], Answer], *, patience: Patience | None = None) -> Answer:
        """Call `attempt` until it neither fails in transport nor is asked to come back later."""
        patience = patience or self.patience
        failed = 0
        while True:
            asked: float | None = None
            try:
                return attempt()
            except httpx2.TransportError as error:
                hint = ": is it running there?" if isinstance(error, httpx2.ConnectError) else ""
                failure: Exception = TransportError(f"expected an answer from {self.url}, got {_words(error)}{hint}")
            except ProblemError as error:
                asked = error.retry_after_seconds
                passes = error.status in RETRIED_STATUSES or error.word in RETRIED_CODES
                if not passes or (asked or 0) > patience.longest_asked_seconds:
                    raise
                failure = error
            failed += 1
            if failed >= patience.attempts:
                raise failure from None
            self._sleep(patience.pause_seconds(failed, asked_seconds=asked, chance=self._chance))

    def pause(self) -> None:
        """Pass the time between an answer that ended early and the next try."""
        self._sleep(self.patience.first_seconds)


def refuse(response: httpx2.Response) -> None:
    """Raise the typed error of an answer that is a refusal; redirects are refused, where none is expected."""
    if response.status_code < 300 or response.status_code == 304:
        return
    seconds = asked_seconds(response.headers.get("Retry-After"), now=datetime.now(UTC))
    if response.status_code < 400:
        raise TransportError(f"expected an answer from {response.request.url}, got a redirect")
    try:
        body = response.json() if response.content else None
    except ValueError:
        body = None
    raise problem_error(response.status_code, body, retry_after_seconds=seconds)


def _json(response: httpx2.Response) -> Json:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        kind = response.headers.get("content-type", "nothing")
        raise TransportError(f"expected a JSON object from {response.request.url}, got {kind}: is this a Winnow?")
    return document


def _words(error: httpx2.TransportError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
