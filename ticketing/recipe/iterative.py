"""What may be asked of the iterative search: ladder, criterion, rewinding."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from ticketing.recipe.pruning import LayerKind, Rate, RateField, Target
from ticketing.recipe.recipe import Recipe
from ticketing.step import Step

DEFAULT_LEVELS = 10


class Iterative(Recipe):
    """Iterative magnitude pruning (Frankle & Carbin 2018; Renda et al. 2020); one-shot is `levels: 1`."""

    search: Literal["iterative"]
    levels: int | None = Field(
        None, ge=1, le=60, description=f"Pruned levels; {DEFAULT_LEVELS} when no target is given."
    )
    target: Target | None = None
    rate: RateField = Rate()
    scope: Literal["layerwise", "global"] = Field("layerwise", description="Who competes with whom.")
    criterion: Literal["large_final"] = Field("large_final", description="Score of an entry: |trained weight|.")
    structure: Literal["weight"] = "weight"
    rewind: Literal["lr", "none"] | Step = Field(
        Step("0it"),
        description="Where kept weights restart: a step of the dense run, lr (keep them, replay the schedule) "
        "or none (keep them, go on at the last learning rate).",
    )
    kept: Literal["rewind"] = "rewind"
    pruned: Literal["zero"] = "zero"
    allow_collapse: bool = Field(False, description="Let a parameter lose every entry instead of failing.")

    @model_validator(mode="before")
    @classmethod
    def _default_number_of_levels(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("levels") is None and value.get("target") is None:
            return {**value, "levels": DEFAULT_LEVELS}
        return value

    @model_validator(mode="after")
    def _parts_agree(self) -> "Iterative":
        if self.levels is not None and self.target is not None:
            raise ValueError("expected levels or target, got both: the rate decides how many levels a target needs")
        if self.scope == "global":
            odd = [k for k in get_args(LayerKind) if self.rate.of(k) not in (0, self.rate.default)]
            if odd:
                raise ValueError(
                    f"expected one rate for all kinds (or 0 to exempt one) with scope global, got another for {odd}"
                )
        rewind, length = self.rewind, self.training.length
        if isinstance(rewind, Step) and rewind.unit == length.unit and rewind.count >= length.count:
            raise ValueError(f"expected rewind before training.length {length}, got {rewind}")
        return self
