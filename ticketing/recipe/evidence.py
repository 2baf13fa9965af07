"""What is run beside a search to show that its ticket is not luck."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ticketing.recipe.part import Part

Control = Literal["reinit", "shuffle", "reinit_shuffle", "random", "small_dense", "dense_short", "dense_long"]
FULL_SCHEDULE: frozenset[Control] = frozenset({"reinit", "reinit_shuffle", "small_dense"})
"""Controls that begin with weights of their own, and so train the schedule from 0; the others train what a ticket does.
"""
DENSE_LENGTHS: frozenset[Control] = frozenset({"dense_short", "dense_long"})
"""Controls that are the dense network itself, trained for another number of updates (`ticketing.dense_length`)."""

EVIDENCE_WORDS: dict[str, dict[str, Any]] = {
    "none": {"replicates": 0, "controls": [], "levels": "delivered"},
    "quick": {"replicates": 1, "controls": [], "levels": "delivered"},
    "standard": {"replicates": 3, "controls": ["reinit", "shuffle"], "levels": "delivered"},
    "paper": {"replicates": 5, "controls": ["reinit", "shuffle", "reinit_shuffle", "random"], "levels": "all"},
}


class Evidence(Part):
    """What is run beside the search to show that the ticket is not luck."""

    replicates: int = Field(3, ge=0, le=30, description="Paired repetitions; fewer than 3 prove nothing.")
    max_replicates: int | None = Field(
        None, ge=4, le=30, description="Sequential: more replicates, one by one, while the verdict is inconclusive."
    )
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

    @model_validator(mode="after")
    def _growth_begins_with_a_verdict(self) -> "Evidence":
        if self.max_replicates is not None and not 3 <= self.replicates < self.max_replicates:
            raise ValueError(
                f"expected replicates of 3 or more and below max_replicates, for the first look to be worth it, "
                f"got {self.replicates} and {self.max_replicates}"
            )
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of replicates at which the verdict may be looked at."""
        return tuple(range(self.replicates, (self.max_replicates or self.replicates) + 1))


def _from_word(value: Any) -> Any:
    if isinstance(value, str):
        if value not in EVIDENCE_WORDS:
            raise ValueError(f"expected an object or one of {', '.join(EVIDENCE_WORDS)}, got {value[:40]!r}")
        return EVIDENCE_WORDS[value]
    return value


EvidenceField = Annotated[Evidence, BeforeValidator(_from_word)]
"""Evidence as a recipe holds it: an object, or one of the words."""
