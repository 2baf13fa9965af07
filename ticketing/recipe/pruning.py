"""How much is pruned, and of which layers."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ticketing.recipe.part import Part, Share

LayerKind = Literal["conv", "linear", "attention", "embedding", "output"]
Glob = Annotated[str, Field(min_length=1, max_length=200)]


class Rate(Part):
    """Share of the currently kept entries that one level removes, by kind of layer and by name."""

    default: Share = Field(0.2, description="For every kind that has no rate of its own.")
    conv: Share | None = Field(None, description="Convolutions.")
    linear: Share | None = Field(None, description="Linear layers other than the output layer.")
    attention: Share | None = Field(None, description="Projections of attention, into it and out of it.")
    embedding: Share | None = Field(0.0, description="Embeddings of tokens and positions; 0 exempts them.")
    output: Share | None = Field(None, description="The layer that makes the logits; 0 exempts it.")
    by_name: dict[Glob, Share] = Field(
        {}, max_length=100, description="Of layers whose name matches a glob (layer1.*), before the rate of their kind."
    )

    def of(self, kind: LayerKind) -> float:
        """Give the rate of a kind of layer."""
        own: float | None = getattr(self, kind)
        return self.default if own is None else own

    def others(self, *, than: float) -> Iterator[tuple[str, float]]:
        """List the rates that are neither 0 nor this one, as (JSON pointer below the rate, share)."""
        kinds = {name: getattr(self, name) for name in type(self).model_fields if name != "by_name"}
        globs = {f"by_name/{glob.replace('~', '~0').replace('/', '~1')}": share for glob, share in self.by_name.items()}
        for name, share in (kinds | globs).items():
            if share not in (None, 0, than):
                yield name, share

    def of_layer(self, name: str, kind: LayerKind) -> float:
        """Give the rate of a layer: that of the most literal glob that matches its name, else of its kind.

        The most literal has the most characters that are no `*` or `?`; among equals the first in the alphabet goes,
        for a JSON object has no order to go by.
        """
        matching = [glob for glob in self.by_name if fnmatchcase(name, glob)]
        if not matching:
            return self.of(kind)
        return self.by_name[min(matching, key=lambda glob: (-len(glob.replace("*", "").replace("?", "")), glob))]


def _from_number(value: Any) -> Any:
    return {"default": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


RateField = Annotated[Rate, BeforeValidator(_from_number)]
"""Rates as a recipe holds them: an object, or one number for every kind."""
