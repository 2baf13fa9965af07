"""What every part of a recipe is: immutable, and strict about what it is given."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, lt=1)]
"""A fraction of something that is not all of it."""


class Part(BaseModel):
    """A part of a recipe: immutable, unknown fields refused, NaN and infinity refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=False)
