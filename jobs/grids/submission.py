"""The body of POST /v1/jobs:sweep: a job's, and the axes along which its recipe is varied; creates nothing."""

from typing import Any

from pydantic import ConfigDict, Field

from jobs.grids.points import MAX_AXES, MAX_POINTS
from jobs.making.submissions import JobSubmission


class GridSubmission(JobSubmission):
    """A job's body, and what is varied; each combination of values becomes a job of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "lenet-digits",
                    "model": {"architecture": "lenet-300-100", "seed": 0},
                    "dataset": {"uri": "builtin:digits"},
                    "recipe": {"search": "iterative"},
                    "grid": {"/seed": [0, 1, 2], "/target/sparsity": [0.8, 0.9]},
                    "max_parallel": 4,
                    "gates": {"max_accuracy_drop": 0.01},
                }
            ]
        }
    )

    grid: dict[str, list[Any]] = Field(
        min_length=1,
        max_length=MAX_AXES,
        description=f"JSON pointer into the recipe -> the values it takes; at most {MAX_POINTS} combinations.",
    )
    max_parallel: int | None = Field(None, ge=1, le=MAX_POINTS, description="How many of them run at the same time.")
