"""What a search may cost at most."""

from pydantic import Field, model_validator

from ticketing.recipe.part import Part


class Budget(Part):
    """Upper bounds on the cost of one search, one or several of them; evidence is not cut by any."""

    flops: float | None = Field(
        None, gt=0, description="Floating-point operations of its trainings, dense kernels; decided before it runs."
    )
    samples: int | None = Field(
        None, ge=1, le=10**15, description="Examples its trainings see, repeats counted; decided before it runs."
    )
    seconds: float | None = Field(
        None, gt=0, description="Seconds its trainings take, over all attempts; decided while it runs, not repeatable."
    )

    @model_validator(mode="after")
    def _bounds_something(self) -> "Budget":
        if self.flops is None and self.samples is None and self.seconds is None:
            raise ValueError(f"expected one or more of {', '.join(type(self).model_fields)}, got none")
        return self

    @property
    def given(self) -> dict[str, float]:
        """The bounds that are given, by name."""
        return self.model_dump(exclude_none=True)
