"""The one tree of errors a compression job can end with; knows no HTTP and no torch.

WinnowError
├── RequestError            what was asked cannot be done: told before anything is queued where it can be known
│   ├── RecipeError         a field of the recipe: carries one `Fault` per field
│   ├── ModelError          the model file, its architecture, its arguments
│   └── DataError           the dataset file
├── SearchError             the search could not go on
│   ├── CountError          a number of entries outside what is there
│   ├── NonFiniteScoreError a score that is NaN or infinite
│   ├── CollapseError       a parameter would keep nothing
│   ├── DivergedError       the training loss is no longer finite
│   └── InvariantError      a promise of the certificate broke while running
├── CheckpointError         a checkpoint that is cut, altered or of another run
└── VerificationError       what was written does not read back as what was found

Each class has a `code`, the word pipelines branch on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request, as it is told to whoever sent it."""

    pointer: str
    """JSON pointer to the field, e.g. `/recipe/target/sparsity`."""
    code: str
    detail: str
    """What was expected and what came."""
    allowed: tuple[str, ...] | None = None
    """The closed list of words, where there is one."""


def first_of(found: Sequence[str], *, between: str = ", ", most: int = 8) -> str:
    """List the first of what was found, and say how many more there are."""
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return between.join(found[:most]) + more


class WinnowError(Exception):
    """Everything Winnow raises on purpose."""

    code: ClassVar[str] = "error"


class RequestError(WinnowError):
    """What was asked cannot be done."""

    code = "invalid_request"

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.faults = tuple(faults)


class RecipeError(RequestError):
    """A field of the recipe is unknown, out of bounds, or does not suit the model."""

    code = "invalid_recipe"


class ModelError(RequestError):
    """The model file does not hold what was declared."""

    code = "bad_model"


class DataError(RequestError):
    """The dataset file does not hold what was declared."""

    code = "bad_dataset"


class SearchError(WinnowError):
    """The search could not go on."""

    code = "search_failed"


class CountError(SearchError):
    """A number of entries outside what is there."""

    code = "bad_count"


class NonFiniteScoreError(SearchError):
    """A score is NaN or infinite."""

    code = "non_finite_score"


class CollapseError(SearchError):
    """A parameter would keep nothing."""

    code = "collapse"


class DivergedError(SearchError):
    """The training loss is no longer finite."""

    code = "diverged"


class InvariantError(SearchError):
    """A promise of the certificate broke while running."""

    code = "invariant_broken"


class CheckpointError(WinnowError):
    """A checkpoint is cut, altered, or belongs to another run."""

    code = "bad_checkpoint"


class VerificationError(WinnowError):
    """What was written does not read back as what was found."""

    code = "verification_failed"
