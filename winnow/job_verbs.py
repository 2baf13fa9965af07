"""What can be asked about jobs, as methods: submitted, watched, stopped, made from one another. Moves no files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from winnow.connection import Connection
from winnow.errors import Json
from winnow.stream import follow
from winnow.waiting import until_done


class JobVerbs:
    """The part of a `Client` that speaks of jobs; `Client` says how it is connected."""

    _connection: Connection
    _clock: Callable[[], float]

    def validate(self, submission: Mapping[str, Any]) -> Json:
        """Ask whether a submission would be accepted, and for its plan; nothing is queued."""
        return self._connection.post("/v1/jobs:validate", dict(submission))

    def submit(self, submission: Mapping[str, Any], *, idempotency_key: str | None = None) -> Json:
        """Submit a job and give it as accepted.

        Args:
            submission: `{"model", "dataset", "recipe", ...}`; told in `docs/recipes.md`.
            idempotency_key: The same key gives the same job within 24 h; None draws one for this call.
        """
        return self._connection.post("/v1/jobs", dict(submission), idempotency_key=idempotency_key)

    def sweep(self, submission: Mapping[str, Any], *, idempotency_key: str | None = None) -> Json:
        """Submit a grid: one job of every combination of values, and one that gathers them; give the latter.

        Args:
            submission: A job's, with `grid`: JSON pointers into the recipe, each with its values; told in
                `docs/grids.md`.
            idempotency_key: As for `submit`.
        """
        return self._connection.post("/v1/jobs:sweep", dict(submission), idempotency_key=idempotency_key)

    def children(self, job_id: str, **filters: str | int | None) -> Iterator[Json]:
        """Yield the jobs of a grid in the order of its points, page by page; `state` and `page_size` narrow it."""
        return self._items(f"{path_of(job_id)}/children", filters)

    def show(self, job_id: str) -> Json:
        """Give a job as it is now."""
        return self._connection.get(path_of(job_id))

    def list(self, **filters: str | int | None) -> Iterator[Json]:
        """Yield jobs, newest first, page by page.

        Args:
            filters: `state`, `search`, `created_after`, `order`, `page_size`; labels as `**{"label.git_sha": "9f3"}`.
        """
        return self._items("/v1/jobs", filters)

    def wait(
        self, job_id: str, *, timeout_seconds: float | None = None, on_change: Callable[[Json], None] | None = None
    ) -> Json:
        """Wait until a job is done, through restarts of the service, and give it.

        Args:
            timeout_seconds: None waits for ever.
            on_change: Called with the job at once and whenever it changed.

        Raises:
            WaitTimeoutError: The job is not done; it goes on.
        """
        return until_done(
            self._connection, path_of(job_id), timeout_seconds=timeout_seconds, on_change=on_change, clock=self._clock
        )

    def events(self, job_id: str, *, after: int = 0) -> Iterator[Json]:
        """Yield a job's events as they happen until its last one, each once, also across lost connections.

        Progress, which is in no log, comes between them as `{"type": "progress", "data": ...}`.
        """
        return follow(self._connection, f"{path_of(job_id)}/events", after=after)

    def levels(self, job_id: str) -> Sequence[Json]:
        """List what a job found at each level so far."""
        return [*self._items(f"{path_of(job_id)}/levels", {})]

    def cancel(self, job_id: str, *, keep: Literal["levels", "none"] = "levels") -> Json:
        """Ask that a job stop for good; twice is the same as once. Of a grid every point stops.

        Args:
            keep: `levels` leaves what it has completed, `none` its record alone.

        Raises:
            ConflictError: It is already done otherwise.
        """
        return self._connection.post(f"{path_of(job_id)}:cancel", {"keep": keep})

    def pause(self, job_id: str) -> Json:
        """Ask that a job save and leave its device; it waits until it is resumed, at most to `pause_expires_at`.

        Raises:
            ConflictError: It is done, or is being cancelled.
        """
        return self._connection.post(f"{path_of(job_id)}:pause")

    def resume(self, job_id: str) -> Json:
        """Put a paused job back into the queue: any worker goes on from where it stopped.

        Raises:
            ConflictError: It is not paused.
        """
        return self._connection.post(f"{path_of(job_id)}:resume")

    def rerun(
        self,
        job_id: str,
        *,
        start: Literal["checkpoint", "scratch"] = "checkpoint",
        idempotency_key: str | None = None,
    ) -> Json:
        """Make a new job that does again what one that is done did, and give it.

        Args:
            start: From the last checkpoint that is left, or from the beginning.
            idempotency_key: As for `submit`.

        Raises:
            ConflictError: The job is not done.
        """
        return self._connection.post(f"{path_of(job_id)}:rerun", {"start": start}, idempotency_key=idempotency_key)

    def export(
        self,
        job_id: str,
        *,
        target: Literal["onnx", "pt2", "safetensors", "sparse", "hf"],
        idempotency_key: str | None = None,
    ) -> Json:
        """Make a new job that writes another file of the ticket that a job ended with, and give it; it trains nothing.

        Args:
            target: onnx and pt2 are graphs; safetensors the weights, of the slim network where channels were removed;
                hf a folder for the Hugging Face Hub.
            idempotency_key: As for `submit`.

        Raises:
            InvalidRequestError: The job makes no such file.
            ConflictError: It has not succeeded, or its last checkpoint is gone.
        """
        return self._connection.post(f"{path_of(job_id)}/exports", {"target": target}, idempotency_key=idempotency_key)

    def fork(
        self,
        job_id: str,
        *,
        from_level: int,
        recipe: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Json:
        """Make a new job that begins at a level of another one, under a changed recipe, and give it.

        Args:
            from_level: The first level that is trained anew, on the parent's mask; those below are taken over.
            recipe: Laid over the parent's as a JSON merge patch: `{"target": {"sparsity": 0.95}}`; null removes.
            idempotency_key: As for `submit`.
            fields: What else differs from the parent: `name`, `labels`, `priority`, `gates`, `device`, `limits`.

        Raises:
            InvalidRequestError: The recipe asks for what the parent does not have.
            ConflictError: No checkpoint of the parent holds that level.
        """
        body = {"from_level": from_level, "recipe": dict(recipe or {}), **fields}
        return self._connection.post(f"{path_of(job_id)}:fork", body, idempotency_key=idempotency_key)

    def delete(self, job_id: str) -> None:
        """Delete a job that is done, with all it made; a grid with its points.

        Raises:
            ConflictError: It is not done.
        """
        self._connection.send("DELETE", path_of(job_id))

    def _items(self, path: str, filters: Mapping[str, Any]) -> Iterator[Json]:
        token: str | None = None
        while True:
            page = self._connection.get(path, params={**filters, "page_token": token})
            yield from page["items"]
            token = page.get("next_page_token")
            if token is None:
                return


def path_of(job_id: str) -> str:
    """Give the path of a job; no id can lead anywhere else."""
    return f"/v1/jobs/{quote(job_id, safe='')}"
