"""A moment in training, in epochs or iterations; knows nothing of data but how many iterations an epoch has."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_PATTERN = re.compile(r"(0|[1-9][0-9]{0,8})(ep|it)")


@dataclass(frozen=True)
class Step:
    """A moment in training: `Step("2ep")` is after two epochs, `Step("500it")` after 500 updates.

    Raises:
        ValueError: The text is not a whole number followed by `ep` or `it`.
    """

    text: str

    def __post_init__(self) -> None:
        if not _PATTERN.fullmatch(self.text):
            raise ValueError(f"expected a step such as '2ep' or '500it' (at most 9 digits), got {self.text[:40]!r}")

    @property
    def count(self) -> int:
        """The number before the unit."""
        return int(self.text[:-2])

    @property
    def unit(self) -> str:
        """`ep` or `it`."""
        return self.text[-2:]

    def iterations(self, per_epoch: int) -> int:
        """Say how many updates have been made by this moment when an epoch has `per_epoch` of them."""
        return self.count * per_epoch if self.unit == "ep" else self.count

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
            json_schema_input_schema=core_schema.str_schema(pattern=f"^{_PATTERN.pattern}$"),
        )

    @classmethod
    def _validate(cls, value: Any) -> "Step":
        if isinstance(value, Step):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError(f"expected a step such as '2ep' or '500it', got {value!r}")


def iterations_per_epoch(examples: int, batch_size: int) -> int:
    """Count the updates of one epoch: whole batches only, so that every update has the same shape.

    A dataset smaller than one batch is one batch.
    """
    return max(1, examples // batch_size)
