"""Which training labels are made wrong on purpose; knows no data."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ticketing.recipe.part import Part

ClassNumber = Annotated[int, Field(ge=0, lt=1_000_000)]


class LabelNoise(Part):
    """Wrong labels in the train split alone, an exact number of them, drawn by the recipe's seed."""

    kind: Literal["symmetric", "asymmetric", "pairflip"] = Field(
        description="The new label: any other class alike, the one that map names, or the next class."
    )
    fraction: float = Field(gt=0, le=1, description="Share of the labels that change; of the mapped classes' alone.")
    map: dict[ClassNumber, ClassNumber] | None = Field(
        None, max_length=1000, description="For asymmetric: which class is mistaken for which, by number."
    )

    @model_validator(mode="after")
    def _map_belongs_to_asymmetric(self) -> "LabelNoise":
        if self.kind == "asymmetric" and not self.map:
            raise ValueError('expected a map such as {"9": 1} for asymmetric label noise, got none')
        if self.kind != "asymmetric" and self.map is not None:
            raise ValueError(f"expected a map with asymmetric alone, got one with {self.kind}")
        still = [number for number, other in (self.map or {}).items() if number == other]
        if still:
            raise ValueError(f"expected a map to other classes, got one of {still} to itself")
        return self
