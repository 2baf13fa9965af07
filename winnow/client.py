"""The service as one object: models and datasets in, jobs, tickets out. Knows no terminal."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx2

from winnow.connection import Connection
from winnow.errors import Json
from winnow.job_verbs import JobVerbs, path_of
from winnow.retries import Patience
from winnow.transfer import OnBytes, fetch, target_of, upload_blob
from winnow.waiting import until_inspected

DEFAULT_URL = "http://127.0.0.1:8000"


class Client(JobVerbs):
    """A Winnow service as seen by whoever sends it work; the objects are the API's JSON documents, as dicts.

    Every request may be repeated: what creates something carries an `Idempotency-Key`. Connections that fail and
    answers that say *later* (429, 503 with `Retry-After`) are tried again with growing, jittered pauses.

    Args:
        url: Where the service is.
        key: Sent as a bearer token, where the service asks for one.
        patience: How often a request is tried.
        transport: Where bytes go; None opens sockets.
        sleep: How to pass a pause.
        clock: Seconds that only grow.

    Raises (every method):
        ProblemError: The service refused; its subclasses are drawn in `winnow.errors`.
        TransportError: Nothing answered.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = Connection(url, key, patience=patience, transport=transport, sleep=sleep)
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def upload(self, file: Path | str) -> str:
        """Bring a file's bytes to the service, unless it has them, and give their sha256."""
        return upload_blob(self._connection, Path(file))

    def model(
        self,
        file: Path | str | None = None,
        *,
        architecture: str,
        arguments: Mapping[str, Any] | None = None,
        seed: int | None = None,
        weights: Literal["initial", "trained"] = "initial",
        name: str | None = None,
        wait_seconds: float = 0,
    ) -> Json:
        """Register a network: uploaded weights (`.safetensors`), or a seed to draw them from.

        Args:
            file: The weights; None lets the service initialise them from `seed`.
            weights: Which moment the file holds.
            wait_seconds: How long to wait until the service has looked at it (`ready` or `refused`).

        Returns:
            The model: `id`, `state`, `inventory`, and `error` where it was refused.
        """
        body: Json = {"architecture": architecture, "arguments": dict(arguments or {})}
        body |= {"sha256": self.upload(file), "weights": weights} if file is not None else {"seed": seed or 0}
        return self._registered("models", body | _given(name=name), wait_seconds)

    def dataset(
        self,
        file: Path | str | None = None,
        *,
        uri: str | None = None,
        name: str | None = None,
        wait_seconds: float = 0,
    ) -> Json:
        """Register a dataset: an uploaded `.npz` (`x_train y_train x_test y_test`), or a `builtin:` name.

        Raises:
            ValueError: Neither or both of `file` and `uri` were given.
        """
        if (file is None) == (uri is None):
            raise ValueError("expected either a file or a uri, got both or neither")
        body: Json = {"sha256": self.upload(file)} if file is not None else {"uri": uri}
        return self._registered("datasets", body | _given(name=name), wait_seconds)

    def artifacts(self, job_id: str) -> Sequence[Json]:
        """List the files a job made: `name`, `sha256`, `bytes`."""
        return [*self._items(f"{path_of(job_id)}/artifacts", {})]

    def download(
        self,
        job_id: str,
        folder: Path | str,
        *,
        names: Sequence[str] | None = None,
        on_bytes: OnBytes | None = None,
    ) -> Sequence[Path]:
        """Bring a job's files here, each verified against its sha256; what is here already is left alone.

        Args:
            folder: Made if absent. A download that was cut goes on from what lies there.
            names: Only these; None brings all.
            on_bytes: Told the size of every piece that arrives.

        Raises:
            DigestError: Other bytes came than the service names.
            KeyError: A name the job has no file of.
        """
        listed = {item["name"]: item for item in self.artifacts(job_id)}
        wanted = [*listed] if names is None else [*names]
        if unknown := [name for name in wanted if name not in listed]:
            raise KeyError(f"expected names among {sorted(listed)}, got {unknown}")
        targets = [target_of(Path(folder), name) for name in wanted]
        for name, target in zip(wanted, targets, strict=True):
            path = f"{path_of(job_id)}/artifacts/{quote(name)}"
            fetch(self._connection, path, sha256=listed[name]["sha256"], target=target, on_bytes=on_bytes)
        return targets

    def report(self, job_id: str) -> Json:
        """Give the report of a finished job: levels, certificate, invariants, cost, provenance."""
        return self._connection.get(f"{path_of(job_id)}/report")

    def report_as(self, job_id: str, form: Literal["html", "md"]) -> str:
        """Give the report as one self-contained page, or as a model card."""
        return self._connection.send("GET", f"{path_of(job_id)}/report.{form}").text

    def _registered(self, kind: str, body: Json, wait_seconds: float) -> Json:
        made = self._connection.post(f"/v1/{kind}", body)
        return until_inspected(
            self._connection, f"/v1/{kind}/{made['id']}", made, timeout_seconds=wait_seconds, clock=self._clock
        )


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
