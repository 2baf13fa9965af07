"""How much is pruned, of which layers, and where it ends."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ticketing.recipe.part import Part, Share

LayerKind = Literal["conv", "linear", "attention", "embedding", "output"]


class Rate(Part):
    """Share of the currently kept entries that one level removes, by kind of layer."""

    default: Share = Field(0.2, description="For every kind that has no rate of its own.")
    conv: Share | None = Field(None, description="Convolutions.")
    linear: Share | None = Field(None, description="Linear layers other than the output layer.")
    attention: Share | None = Field(None, description="Projections of attention, into it and out of it.")
    embedding: Share | None = Field(0.0, description="Embeddings of tokens and positions; 0 exempts them.")
    output: Share | None = Field(None, description="The layer that makes the logits; 0 exempts it.")

    def of(self, kind: LayerKind) -> float:
        """Give the rate of a kind of layer."""
        own: float | None = getattr(self, kind)
        return self.default if own is None else own


class Target(Part):
    """Where the ladder ends, instead of a number of levels."""

    sparsity: float = Field(gt=0, lt=1, description="Fraction of the prunable entries removed, met to the entry.")


def _from_number(value: Any) -> Any:
    return {"default": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


RateField = Annotated[Rate, BeforeValidator(_from_number)]
"""Rates as a recipe holds them: an object, or one number for every kind."""
