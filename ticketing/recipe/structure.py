"""The words for what is removed together, and `N:M` among them as a value; knows no layers."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MOST_INPUTS = 16
"""The largest M."""
STRUCTURE_WORDS = {
    "weight": "single entries, which stay in the network as zeros",
    "channel": "whole channels, which are taken out of it: the ticket is a slim network",
    "N:M": "all but N of every M consecutive inputs of an output, such as 2:4 (Mishra et al. 2021)",
}
_PATTERN = re.compile(r"(1[0-5]|[1-9]):(1[0-6]|[2-9])")


@dataclass(frozen=True)
class NOfM:
    """`NOfM("2:4")`: of every 4 consecutive inputs of an output 2 stay (Mishra et al. 2021, arXiv 2104.08378).

    Raises:
        ValueError: The text is not two whole numbers N:M with 1 <= N < M <= 16.
    """

    text: str

    def __post_init__(self) -> None:
        if not _PATTERN.fullmatch(self.text) or self.kept >= self.block:
            detail = f"expected weight, channel, or N:M with 1 <= N < M <= {MOST_INPUTS} such as '2:4'"
            raise ValueError(f"{detail}, got {self.text[:40]!r}")

    @property
    def kept(self) -> int:
        """N: how many inputs of a block stay at the last level."""
        return int(self.text.partition(":")[0])

    @property
    def block(self) -> int:
        """M: how many consecutive inputs of an output are a block."""
        return int(self.text.partition(":")[2])

    @property
    def most_levels(self) -> int:
        """M - N: levels that remove one input of every block each."""
        return self.block - self.kept

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
    def _validate(cls, value: Any) -> "NOfM":
        return value if isinstance(value, NOfM) else cls(value if isinstance(value, str) else repr(value))


def as_n_of_m(word: Any) -> NOfM | None:
    """Read a structure as it was sent; None where it is any other word, or none at all."""
    try:
        return NOfM._validate(word)
    except ValueError:
        return None
