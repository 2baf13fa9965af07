"""What may be sent about a job that there is already: how to cancel it, and what to make of it; changes nothing."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from jobs.making.submissions import Body, Device, Gates, LabelKey, LabelValue, Limits, Moment, Name

ExportTarget = Literal["onnx", "pt2", "safetensors", "sparse", "hf"]


class RerunSubmission(Body):
    """The body of POST /v1/jobs/{id}:rerun."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": "checkpoint"}]})

    start: Literal["checkpoint", "scratch"] = Field(
        "checkpoint", description="Go on from the last checkpoint that is left, or begin anew."
    )


class ForkSubmission(Body):
    """The body of POST /v1/jobs/{id}:fork; what is left out is the parent's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from_level": 3, "recipe": {"target": {"sparsity": 0.95}}}]}
    )

    from_level: int = Field(ge=1, description="The first level that is trained anew, on the parent's mask of it.")
    recipe: dict[str, Any] = Field(
        default_factory=dict, description="Laid over the parent's resolved recipe as a JSON merge patch (RFC 7396)."
    )
    name: Name | None = None
    labels: dict[LabelKey, LabelValue] | None = Field(None, max_length=64)
    priority: int | None = Field(None, ge=-100, le=100)
    gates: Gates | None = None
    device: Device | None = None
    limits: Limits | None = None
    not_before: Moment | None = None


class ExportSubmission(Body):
    """The body of POST /v1/jobs/{id}/exports."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"target": "onnx"}]})

    target: ExportTarget = Field(
        description="onnx, pt2: the delivered network as a graph · safetensors: its weights, of the slim network where "
        "channels were removed · sparse: the small file of a sparse one · hf: a folder for the Hugging Face Hub."
    )


class CancelSubmission(Body):
    """The body of POST /v1/jobs/{id}:cancel, which may be absent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": "none"}]})

    keep: Literal["levels", "none"] = Field(
        "levels", description="levels: what it has completed, and its checkpoints. none: its record alone."
    )
