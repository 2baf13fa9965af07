"""What is run beside a search to show that its ticket is not luck."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ticketing.recipe.part import Part

Control = Literal["reinit", "shuffle", "reinit_shuffle", "random", "small_dense", "dense_short", "dense_long"]
FULL_SCHEDULE: frozenset[Control] = frozenset({"reinit", "reinit_shuffle", "small_dense"})
"""Controls that begin with weights of their own, and so train the schedule from 0; the others train what a ticket does.
"""
DENSE_LENGTHS: frozenset[Control] = frozenset({"dense_short", "dense_long"})
"""Controls that are the dense network itself, trained for another number of updates (`ticketing.plans.dense_length`).
"""

Level = Annotated[int, Field(ge=1)]

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
    levels: Literal["delivered", "all"] | tuple[Level, ...] = Field(
        "delivered",
        description="Where ticket and controls are trained and tested: at the delivered level, at all, or at those "
        "listed and the delivered one.",
    )
    tolerance: float = Field(
        0.005, gt=0, lt=1, description="Accuracy (fraction) a ticket may lose against dense and still match."
    )

    @model_validator(mode="after")
    def _controls_are_distinct(self) -> "Evidence":
        if len(set(self.controls)) != len(self.controls):
            raise ValueError(f"expected each control once, got {list(self.controls)}")
        return self

    @field_validator("levels")
    @classmethod
    def _levels_have_one_order(cls, levels: str | tuple[int, ...]) -> str | tuple[int, ...]:
        if isinstance(levels, str):
            return levels
        if not levels or len(set(levels)) != len(levels):
            raise ValueError(f"expected one level or more, each once, got {list(levels)}")
        return tuple(sorted(levels))

    @model_validator(mode="after")
    def _growth_begins_with_a_verdict(self) -> "Evidence":
        if self.max_replicates is not None and not 3 <= self.replicates < self.max_replicates:
            raise ValueError(
                f"expected replicates of 3 or more and below max_replicates, for the first look to be worth it, "
                f"got {self.replicates} and {self.max_replicates}"
            )
        return self

    def judged(self, pruned: Sequence[int]) -> tuple[int, ...]:
        """List the levels that are taken to the test split; none without replicates.

        Args:
            pruned: Levels on the ticket's way, rising, the delivered one last; none where dense is delivered.
        """
        if not self.replicates:
            return ()
        if self.levels == "all":
            return tuple(pruned)
        listed = () if self.levels == "delivered" else self.levels
        return tuple(level for level in pruned if level in listed or level == pruned[-1])

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
