"""How much is pruned, of which layers, and where it ends."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ticketing.recipe.part import Part, Share

LayerKind = Literal["conv", "linear", "output"]


class Rate(Part):
    """Share of the currently kept entries that one level removes, by kind of layer."""

    default: Share = Field(0.2, description="For every kind that has no rate of its own.")
    conv: Share | None = Field(None, description="Convolutions.")
    linear: Share | None = Field(None, description="Linear layers other than the output layer.")
    output: Share | None = Field(None, description="The layer that makes the logits; 0 exempts it.")

    def of(self, kind: LayerKind) -> float:
        """Give the rate of a kind of layer."""
        own: float | None = getattr(self, kind)
        return self.default if own is None else own


class Target(Part):
    """Where the ladder ends, instead of a number of levels: one of these."""

    sparsity: float | None = Field(
        None, gt=0, lt=1, description="Fraction of the prunable entries removed, met to the entry."
    )
    max_accuracy_drop: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Accuracy (fraction) that may be lost against dense on validation; as sparse as that allows.",
    )

    @model_validator(mode="after")
    def _is_one(self) -> "Target":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(type(self).model_fields)}, got {given or 'none'}")
        return self


def _from_number(value: Any) -> Any:
    return {"default": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


RateField = Annotated[Rate, BeforeValidator(_from_number)]
"""Rates as a recipe holds them: an object, or one number for every kind."""
