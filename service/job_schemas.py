"""The shapes of answers about jobs, for `/openapi.json`; `jobs` makes the answers and the tests hold them to these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.job_parts import Axes, Children, Cost, Durations, GateResult, JobLimits, Origin, Progress, Queue, Urls
from service.schemas import Answer, Listing, Reason, Warned

JobState = Literal["queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"]


class JobObject(Answer):
    """A job, or a grid of jobs."""

    id: str
    kind: Literal["search", "grid"]
    name: str | None
    parent: str | None = Field(description="The grid it is one point of.")
    point: dict[str, Any] | None = Field(description="Which point: JSON pointer into the recipe -> value.")
    grid: Axes | None = Field(description="Of a grid alone.")
    children: Children | None = Field(description="Of a grid alone.")
    origin: Origin | None
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
    limits: JobLimits
    not_before: str = Field(description="It does not start earlier: as asked for, or between two attempts.")
    recipe: dict[str, Any] = Field(description="As it was sent.")
    resolved_recipe: dict[str, Any] | None = Field(
        description="Every default filled, the seed fixed; null for a grid, whose children have one each."
    )
    labels: dict[str, str]
    gates: dict[str, float]
    gate: GateResult | None
    queue: Queue | None
    progress: Progress
    durations: Durations
    best: dict[str, Any] | None = Field(description="The sparsest level within tolerance on validation.")
    verdict: str | None = Field(description="Of the certificate; null without one, and before the job is done.")
    cost: Cost
    error: Reason | None
    warnings: list[Warned]
    created_at: str
    started_at: str | None
    finished_at: str | None
    pause_expires_at: str | None = Field(description="When a job that stays paused is cancelled.")
    expires_at: str | None = Field(description="When a job that is done is deleted.")
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
