"""The shapes of answers about jobs, for `/openapi.json`; `jobs` makes the answers and the tests hold them to these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas import Answer, Listing, Reason, Warned

JobState = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
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

    position: int | None
    reason: str | None = Field(
        description="`no_worker_for_device`, `waiting_for_model`, `waiting_for_dataset` or null."
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


class JobObject(Answer):
    """A job."""

    id: str
    name: str | None
    search: str
    state: JobState
    done: bool = Field(description="The one thing to wait for.")
    phase: str | None = Field(description="Grows freely; show it, do not branch on it.")
    reason: str | None
    stop_reason: str | None
    attempt: int
    model: str
    dataset: str
    device: Literal["any", "cpu", "gpu"]
    priority: int
    recipe: dict[str, Any] = Field(description="As it was sent.")
    resolved_recipe: dict[str, Any] = Field(description="Every default filled, the seed fixed.")
    labels: dict[str, str]
    gates: dict[str, float]
    gate: GateResult | None
    queue: Queue | None
    progress: Progress
    durations: Durations
    best: dict[str, Any] | None = Field(description="The sparsest level within tolerance on validation.")
    cost: Cost
    error: Reason | None
    warnings: list[Warned]
    created_at: str
    started_at: str | None
    finished_at: str | None
    expires_at: str | None
    urls: Urls


class Event(Answer):
    """One line of a job's log; also what `data:` holds in the stream."""

    id: str
    seq: int = Field(ge=1, description="Per job, gap-free.")
    job: str
    attempt: int
    type: str
    severity: str
    created_at: str
    data: dict[str, Any]


class Level(BaseModel):
    """A completed level of one search; what the run told about it, and these."""

    model_config = ConfigDict(extra="allow")

    replicate: int
    level: int
    kept: int
    total: int
    sparsity: float
    created_at: str


class Artifact(Answer):
    """A file a job made."""

    name: str
    sha256: str
    bytes: int
    media_type: str
    level: int | None
    created_at: str
    url: str


class Validated(Answer):
    """A job that would be accepted."""

    plan: dict[str, Any] | None = Field(description="null while an input is being inspected.")
    pending: list[Literal["model", "dataset"]]
    resolved_recipe: dict[str, Any]


class JobList(Listing):
    """Jobs."""

    items: list[JobObject]


class LevelList(Listing):
    """The completed levels of a job's searches."""

    items: list[Level]


class ArtifactList(Listing):
    """What a job made."""

    items: list[Artifact]


class EventPage(Answer):
    """Events in order."""

    items: list[Event]
    next_after: int = Field(description="Give it as `after` to go on.")
