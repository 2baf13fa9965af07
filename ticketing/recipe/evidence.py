"""What is run beside a search to show that its ticket is not luck."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ticketing.recipe.part import Part

Control = Literal["reinit", "shuffle"]

EVIDENCE_WORDS: dict[str, dict[str, Any]] = {
    "none": {"replicates": 0, "controls": [], "levels": "delivered"},
    "quick": {"replicates": 1, "controls": [], "levels": "delivered"},
    "standard": {"replicates": 3, "controls": ["reinit", "shuffle"], "levels": "delivered"},
    "paper": {"replicates": 5, "controls": ["reinit", "shuffle"], "levels": "all"},
}


class Evidence(Part):
    """What is run beside the search to show that the ticket is not luck."""

    replicates: int = Field(3, ge=0, le=30, description="Paired repetitions; fewer than 3 prove nothing.")
    replicates_of: Literal["search", "retrain"] = Field(
        "search",
        description="search: a new initialisation and the whole ladder each; retrain: one mask, new data orders.",
    )
    controls: tuple[Control, ...] = Field(("reinit", "shuffle"), description="Random counterparts at equal counts.")
    levels: Literal["delivered", "all"] = "delivered"
    tolerance: float = Field(
        0.005, gt=0, lt=1, description="Accuracy (fraction) a ticket may lose against dense and still match."
    )

    @model_validator(mode="after")
    def _controls_are_distinct(self) -> "Evidence":
        if len(set(self.controls)) != len(self.controls):
            raise ValueError(f"expected each control once, got {list(self.controls)}")
        return self


def _from_word(value: Any) -> Any:
    if isinstance(value, str):
        if value not in EVIDENCE_WORDS:
            raise ValueError(f"expected an object or one of {', '.join(EVIDENCE_WORDS)}, got {value[:40]!r}")
        return EVIDENCE_WORDS[value]
    return value


EvidenceField = Annotated[Evidence, BeforeValidator(_from_word)]
"""Evidence as a recipe holds it: an object, or one of the words."""
