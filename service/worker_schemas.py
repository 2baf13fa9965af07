"""The shapes of answers about workers, for `/openapi.json`; the tests hold answers to these."""

from typing import Literal

from pydantic import Field

from service.schemas import Answer


class WorkerObject(Answer):
    """One slot: a process that runs one job at a time on one device."""

    id: str
    kind: Literal["cpu", "gpu", "inspect"]
    host: str
    live: bool = Field(description="Whether it was heard of lately.")
    device: str = Field(description="`cpu`, or the name of its GPU.")
    memory_bytes: int | None
    threads: int | None = Field(description="Of one job.")
    torch: str | None
    winnow: str | None
    extras: list[str] = Field(description="Optional parts that are installed.")
    sandbox: str = Field(description="The level it holds jobs at.")
    uploads: bool = Field(description="Whether it runs uploaded models and data.")
    recipe_version: int = Field(description="The newest recipes it can read.")
    checkpoint_version: int = Field(description="The newest checkpoints it can go on from.")
    draining: bool = Field(description="It takes nothing new until it ends.")
    blocked: str | None = Field(description="Why it takes nothing at the moment, e.g. `disk_full`.")
    busy: bool
    job: str | None = Field(description="The job it is on, where it is one of yours.")
    started_at: str
    seen_at: str


class WorkerList(Answer):
    """All workers, the oldest first."""

    items: list[WorkerObject]
    next_page_token: None
