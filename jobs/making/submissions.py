"""What may be sent to create a model, a dataset or a job: bodies, bounds and words; creates nothing.

A recipe is taken as it was sent: `ticketing.plans.parsing.resolve` reads it once the model is known.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from jobs.ids import DATASET_ID, LABEL_KEY, MODEL_ID, SHA256
from ticketing.errors import RequestError
from ticketing.recipe.faults import faults_of

Device = Literal["any", "cpu", "gpu"]
# No database keeps the character NUL in its texts.
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY)]
LabelValue = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
MAX_SECONDS = 366 * 86400.0
Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]


class Body(BaseModel):
    """A request body: immutable, unknown fields refused, NaN and infinity refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InlineModel(Body):
    """A network: an architecture initialised from a seed, or an uploaded .safetensors file of its weights."""

    sha256: Sha256 | None = Field(None, description="Of a .safetensors blob sent before; absent: drawn from the seed.")
    architecture: Name = Field(description="A name of GET /v1/architectures.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Left-out ones come from the job's dataset, else the architecture's own."
    )
    seed: int | None = Field(None, ge=0, lt=2**63, description="Of the initialisation; 0 when absent.")
    weights: Literal["initial", "trained"] = Field("initial", description="Which moment uploaded weights are of.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.sha256 is not None and self.seed is not None:
            raise ValueError("expected sha256 or seed, got both: uploaded weights are not drawn")
        if self.sha256 is None and self.weights == "trained":
            raise ValueError("expected weights initial without sha256, got trained: there is no file to take them from")
        return self


class ModelSubmission(InlineModel):
    """The body of POST /v1/models."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "LeNet", "architecture": "lenet-300-100", "seed": 0}]}
    )

    name: Name | None = None


class InlineDataset(Body):
    """A dataset: a builtin one by its uri, or an uploaded .npz file."""

    sha256: Sha256 | None = Field(None, description="Of a .npz blob sent before.")
    uri: Literal["builtin:digits"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.sha256 is None) == (self.uri is None):
            raise ValueError(f"expected either sha256 or uri, got {'neither' if self.uri is None else 'both'}")
        return self


class DatasetSubmission(InlineDataset):
    """The body of POST /v1/datasets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"uri": "builtin:digits"}]})

    name: Name | None = None


class Gates(Body):
    """What a job must reach to be of use; a job that misses one still succeeds, and says so."""

    max_accuracy_drop: float | None = Field(None, ge=0, le=1, description="Dense minus ticket, validation, fraction.")
    min_sparsity: float | None = Field(None, ge=0, lt=1)
    max_bytes: int | None = Field(None, gt=0, description="Of sparse.safetensors or slim.safetensors.")
    max_latency_ms: float | None = Field(
        None, gt=0, description="Of one example at once under ONNX Runtime on the worker's CPU, p50, milliseconds."
    )


def _in_our_time(moment: datetime) -> datetime:
    if not 1970 < moment.year < 9999:  # neither end can be written in every time zone
        raise ValueError(f"expected a time after 1970 and before 9999, got {moment.isoformat()}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]


class Limits(Body):
    """How long a job may take before it is given up."""

    max_queued_seconds: float | None = Field(
        None, gt=0, le=MAX_SECONDS, description="Of one wait in the queue, from when it may start; then it fails."
    )
    max_running_seconds: float | None = Field(
        None, gt=0, le=MAX_SECONDS, description="Of running, all attempts together; then it is stopped and fails."
    )


def _by_id_or_inline(value: Any) -> str:
    # The brackets keep the branch out of the pointers `faults_of` writes.
    return "[id]" if isinstance(value, str) else "[inline]"


ModelId = Annotated[str, StringConstraints(pattern=MODEL_ID)]
DatasetId = Annotated[str, StringConstraints(pattern=DATASET_ID)]
ModelReference = Annotated[
    Annotated[ModelId, Tag("[id]")] | Annotated[InlineModel, Tag("[inline]")], Discriminator(_by_id_or_inline)
]
DatasetReference = Annotated[
    Annotated[DatasetId, Tag("[id]")] | Annotated[InlineDataset, Tag("[inline]")], Discriminator(_by_id_or_inline)
]


class JobSubmission(Body):
    """The body of POST /v1/jobs and POST /v1/jobs:validate."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "lenet-digits",
                    "model": {"architecture": "lenet-300-100", "seed": 0},
                    "dataset": {"uri": "builtin:digits"},
                    "recipe": {"search": "iterative", "target": {"sparsity": 0.9}},
                    "gates": {"max_accuracy_drop": 0.01},
                }
            ]
        }
    )

    name: Name | None = None
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=64)
    priority: int = Field(0, ge=-100, le=100, description="Higher first, among the jobs of one tenant.")
    model: ModelReference
    dataset: DatasetReference
    recipe: dict[str, Any] = Field(description="GET /v1/searches/{name}/schema says what it may hold.")
    gates: Gates = Gates()
    device: Device = "any"
    limits: Limits = Limits()
    not_before: Moment | None = Field(None, description="RFC 3339; it waits in the queue until then.")


B = TypeVar("B", bound=Body)


def parse(body: type[B], raw: Mapping[str, Any]) -> B:
    """Read a request body.

    Raises:
        RequestError: With one fault per field: its pointer, what was expected and what came.
    """
    try:
        return body.model_validate(raw)
    except ValidationError as error:
        faults = faults_of(error, at="")
        raise RequestError("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults), faults) from None
