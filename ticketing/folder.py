"""The folder a run reads and writes, and the words a run may say: the contract between a worker and its child.

FOLDER/
├── recipe.json                what is asked, every default filled in
├── run.json                   the model, the dataset and the machine (`RunSpec`)
├── model/model.safetensors    the uploaded weights; absent when the run initialises them
├── data/data.safetensors      the canonical dataset (or data/upload.npz for an inspection)
├── start/checkpoint.safetensors  of a fork: the checkpoint of the run it starts from
├── checkpoint/000007.safetensors + 000007.done
├── tmp/                       HOME, TMPDIR and caches of the child
└── out/                       what the run made, listed in out/manifest.json
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ticketing.recipe import Iterative

RECIPE, RUN = "recipe.json", "run.json"
MODEL = "model/model.safetensors"
DATA, UPLOAD = "data/data.safetensors", "data/upload.npz"
START = "start/checkpoint.safetensors"
CHECKPOINTS, OUT, TMP = "checkpoint", "out", "tmp"

CHECKPOINT_VERSION = 1
"""Of the checkpoints this code writes and reads. A worker goes on from none that is newer."""

EVENT_FD = 3
"""The file descriptor on which a child says its events, one JSON object a line."""
MAX_EVENT_BYTES = 1 << 20

EventType = Literal[
    "started", "phase", "progress", "level_completed", "mask_drawn", "ticket_found",
    "checkpoint_saved", "warning", "inspected", "verified", "finished", "failed",
]  # fmt: skip

EXIT_FINISHED = 0
EXIT_FAILED = 4
"""A `failed` event was said: the reason is known and trying again would end the same."""
EXIT_STOPPED = 5
"""Asked to stop (SIGTERM): a checkpoint was written, another run may go on from it."""


class Event(BaseModel):
    """One line on the event descriptor. Which `data` each type carries is told in `docs/folder.md`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: EventType
    data: dict[str, Any] = Field(default_factory=dict)


class ModelSpec(BaseModel):
    """Which network, and where its weights come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    """Of the initialisation; None when the weights were uploaded."""
    weights: Literal["initial", "trained"] = "initial"
    sha256: str | None = None
    """Of the uploaded file."""


class DataSpec(BaseModel):
    """Which dataset, by name and fingerprint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    fingerprint: str | None = None
    uri: str | None = None
    """`builtin:...` when an inspection is to make the canonical file from it."""


class Execution(BaseModel):
    """Where and how the run computes; with the same values the result has the same bits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = "cpu"
    """A torch device: `cpu` or `cuda:0`."""
    threads: int = Field(1, ge=1)
    checkpoint_seconds: float = Field(300.0, gt=0)
    sandbox: str = "none"
    """The level the launcher established, for provenance."""


class StartSpec(BaseModel):
    """The level of another run that a fork starts from; `ticketing.plans.start.start_from` makes one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job: str
    """Whose level it is, for provenance alone."""
    level: int = Field(ge=1)
    """The first that is trained anew, on the parent's mask; those before it are taken over as they are."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of `start/checkpoint.safetensors`."""
    recipe: Iterative
    """The parent's, resolved: it drew the masks."""
    searches: int = Field(1, ge=1)
    """How many of the parent's searches, from the first on, had reached the level; the others are walked anew."""
    start: "StartSpec | None" = None
    """Where the parent itself started from, when it was a fork too."""


class RunSpec(BaseModel):
    """What `run.json` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Literal["search", "inspect_model", "inspect_data", "verify"] = "search"
    model: ModelSpec | None = None
    data: DataSpec | None = None
    execution: Execution = Execution()
    start: StartSpec | None = None
    """Of a fork; None for a search from its beginning."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Of the job, for provenance alone: id, name, tenant's labels."""


def read_spec(folder: Path) -> RunSpec:
    """Read `run.json`."""
    return RunSpec.model_validate_json((folder / RUN).read_bytes())
