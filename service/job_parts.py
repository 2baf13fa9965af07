"""The shapes of the parts of a job's answer, for `/openapi.json`; `service.job_schemas` puts them together."""

from typing import Any, Literal

from pydantic import Field

from service.schemas import Answer

GateOutcome = Literal["passed", "missed", "pending"]


class Eta(Answer):
    """When a job may be done."""

    available: bool
    seconds_remaining: float | None
    scope: str


class Progress(Answer):
    """How far a job is."""

    fraction: float = Field(ge=0, le=1)
    level: int | None
    levels_total: int | None
    epoch: float | None
    epochs_total: float | None
    step: int | None
    steps_total: int | None
    replicate: int | None
    branch: str | None
    eta: Eta


class GateLine(Answer):
    """One gate."""

    name: str
    bound: Literal["at most", "at least"]
    expected: float
    came: float | None
    outcome: GateOutcome


class GateResult(Answer):
    """All gates of a job together."""

    outcome: GateOutcome
    gates: list[GateLine]


class Queue(Answer):
    """Where a queued job stands."""

    position: int | None = Field(description="Among your own waiting jobs, from 1; exact up to 1,000.")
    reason: str | None = Field(
        description="`no_worker_for_device`, `waiting_for_model`, `waiting_for_dataset`, `waiting_for_children`, "
        "`more_than_1000_ahead` (the position is null then) or null."
    )


class Durations(Answer):
    """Seconds in each state."""

    queued_s: float
    running_s: float
    paused_s: float


class Cost(Answer):
    """What a job takes and took."""

    estimated_flops: float | None
    used_flops: float | None
    device_s: float


class Urls(Answer):
    """Where the rest of a job is."""

    self: str
    web: str
    events: str
    cancel: str
    report: str
    bundle: str


class Axes(Answer):
    """What a grid varies."""

    axes: dict[str, list[Any]] = Field(description="JSON pointer into the recipe -> the values it takes.")
    max_parallel: int | None


class Children(Answer):
    """The points of a grid."""

    total: int
    open: int = Field(description="Not done yet.")
    by_state: dict[str, int] = Field(description="Stored states alone: a child that is pausing is `running`.")


class Origin(Answer):
    """What a job was made from."""

    kind: Literal["rerun", "fork", "export"]
    job: str
    level: int | None = Field(description="Of a fork: the first that is trained anew.")
    checkpoint: str | None = Field(description="sha256 of the checkpoint it starts from; null: from scratch.")


class JobLimits(Answer):
    """How long a job may take before it is given up; null: for ever."""

    max_queued_seconds: float | None
    max_running_seconds: float | None
