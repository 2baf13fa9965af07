"""What the two files of a slim ticket say, and whether they say the same; knows no torch and no numpy.

`slim.json` is a `Slim`. `slim.safetensors` holds the tensors that it lists, and repeats their shapes in its metadata.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from ticketing.errors import VerificationError

TENSORS, DOCUMENT = "slim.safetensors", "slim.json"

FORMAT: Literal["winnow/slim"] = "winnow/slim"
VERSION: Literal[1] = 1

STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")
"""How the entries of a state dict end that are no parameters."""

Numbers = list[NonNegativeInt]


class _Said(BaseModel):
    """A part of `slim.json`: immutable, unknown fields and values of another type refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sizes(_Said):
    """A number of the whole network and of the slim one."""

    whole: NonNegativeInt
    slim: NonNegativeInt

    @model_validator(mode="after")
    def _no_more_than_whole(self) -> "Sizes":
        if self.slim > self.whole:
            raise ValueError(f"expected at most {self.whole}, which the whole network has, got {self.slim}")
        return self


class Taken(_Said):
    """What was taken of a tensor."""

    whole: Numbers
    """Its shape in the whole network."""
    kept: dict[int, Numbers] = Field(default_factory=dict)
    """By axis along which something was removed: the original indices that stay, rising."""

    @property
    def slim(self) -> list[int]:
        """Its shape in the slim network."""
        return [len(self.kept.get(axis, range(length))) for axis, length in enumerate(self.whole)]

    @model_validator(mode="after")
    def _indices_of_its_axes(self) -> "Taken":
        for axis, indices in self.kept.items():
            if not 0 <= axis < len(self.whole):
                raise ValueError(f"expected axes of {self.whole}, got axis {axis}")
            _rising_below(self.whole[axis], indices)
            if len(indices) == self.whole[axis]:
                raise ValueError(f"expected axes along which something was removed, got axis {axis}, which is whole")
        return self


class Outputs(Sizes):
    """How many channels a layer makes."""

    axis: NonNegativeInt
    """Of its weight, along which they stand."""
    stays: str | None = None
    """Why some of them cannot be removed."""


class Heads(_Said):
    """Which heads a module attends with."""

    whole: NonNegativeInt
    kept: Numbers
    """The original numbers of those that stay, rising."""

    @model_validator(mode="after")
    def _of_the_whole(self) -> "Heads":
        _rising_below(self.whole, self.kept)
        return self


class Pad(_Said):
    """How many channels of zeros a module puts beside those it reads."""

    before: Sizes
    behind: Sizes


class Slim(_Said):
    """`slim.json`: what was removed of a network. Everything is named as in the whole network."""

    format: Literal["winnow/slim"] = FORMAT
    version: Literal[1] = VERSION
    tensors: dict[str, Taken]
    """Every entry of the state dict, in its order."""
    layers: dict[str, Outputs]
    """By weight, input to output; norms make no channels."""
    heads: dict[str, Heads]
    pads: dict[str, Pad]
    parameters: Sizes
    multiply_adds: Sizes
    """Of one forward pass of one example."""

    @property
    def narrower_heads(self) -> list[str]:
        """The modules that attend with fewer heads than in the whole network."""
        return [name for name, heads in self.heads.items() if len(heads.kept) < heads.whole]

    @property
    def narrower_pads(self) -> list[str]:
        """The modules that pad with fewer channels than in the whole network."""
        return [
            name for name, pad in self.pads.items() if any(side.slim < side.whole for side in (pad.before, pad.behind))
        ]


def _rising_below(length: int, indices: Sequence[int]) -> None:
    if any(one >= other for one, other in pairwise(indices)):
        raise ValueError(f"expected indices that rise, got {_shortened(indices)}")
    if indices and indices[-1] >= length:
        raise ValueError(f"expected indices below {length}, got {indices[-1]}")


def _shortened(indices: Sequence[int]) -> str:
    return str(list(indices)) if len(indices) <= 8 else f"{list(indices[:8])} and {len(indices) - 8} more"


def read_document(path: Path) -> Slim:
    """Read `slim.json`.

    Raises:
        VerificationError: It is not there, no JSON, or says what cannot be.
    """
    try:
        return Slim.model_validate_json(path.read_bytes())
    except OSError as error:
        raise VerificationError(f"expected {path.name} to be a file of ours, got: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise VerificationError(f"{path.name}, {where}: {first['msg'].removeprefix('Value error, ')}") from None


def check(slim: Slim, layout: Any, shapes: Mapping[str, list[int]]) -> None:
    """Check that both files are of one slim network.

    Args:
        slim: The document.
        layout: What the metadata of the tensors' file says: a mapping, if it is one of ours.
        shapes: Of its tensors.

    Raises:
        VerificationError: They disagree.
    """
    if not isinstance(layout, Mapping):
        raise VerificationError(f"{TENSORS}: expected its metadata to be an object, got {layout}")
    for field in ("format", "version"):
        _same(f"{TENSORS}, {field}", getattr(slim, field), layout.get(field))
    expected = {name: taken.slim for name, taken in slim.tensors.items()}
    _same_shapes("tensors", expected, shapes)
    _same_shapes("shapes", expected, layout.get("shapes"))
    _same_shapes(
        "whole_shapes", {name: taken.whole for name, taken in slim.tensors.items()}, layout.get("whole_shapes")
    )
    for name, made in slim.layers.items():
        if name not in slim.tensors or made.axis >= len(slim.tensors[name].whole):
            raise VerificationError(f"{DOCUMENT}, layers: expected weights of the network, got {name} axis {made.axis}")
        taken = slim.tensors[name]
        _same(
            f"{DOCUMENT}, channels of {name}", (taken.whole[made.axis], taken.slim[made.axis]), (made.whole, made.slim)
        )
    parameters = [taken for name, taken in slim.tensors.items() if not name.endswith(STATISTICS)]
    counted = (sum(prod(taken.whole) for taken in parameters), sum(prod(taken.slim) for taken in parameters))
    _same(f"{DOCUMENT}, parameters", counted, (slim.parameters.whole, slim.parameters.slim))


def _same(what: str, expected: object, came: object) -> None:
    if expected != came:
        raise VerificationError(f"{what}: expected {expected}, got {came}")


def _same_shapes(what: str, expected: Mapping[str, list[int]], came: Any) -> None:
    if not isinstance(came, Mapping):
        raise VerificationError(f"{TENSORS}: expected its metadata to say {what}, got {came}")
    if odd := sorted(expected.keys() ^ came.keys()):
        raise VerificationError(f"{TENSORS}, {what}: expected what {DOCUMENT} lists, but these differ: {odd[:8]}")
    for name, shape in expected.items():
        _same(f"{TENSORS}, {what}, {name}", shape, came[name])
