"""What all searches are asked for, and what those that end in a ticket are asked for besides."""

from typing import Literal

from pydantic import Field

from ticketing.recipe.evidence import Evidence, EvidenceField
from ticketing.recipe.part import Part
from ticketing.recipe.training import Training

RECIPE_VERSION = 1
"""The newest that this code can run."""


class Recipe(Part):
    """What every search has; each adds its own fields and says its name in `search`."""

    recipe_version: Literal[1] = 1
    search: str
    training: Training = Training()
    seed: int = Field(0, ge=0, lt=2**63, description="Drawn and written back when absent.")

    @property
    def holds(self) -> bool:
        """Whether removed entries hold weights instead of zero."""
        return False


class TicketRecipe(Recipe):
    """What every search has that ends in a ticket: the evidence for it, and the files of it."""

    evidence: EvidenceField = Evidence()
    keep_levels: Literal["masks", "models"] = Field(
        "masks", description="What is kept of every level: its mask, or its trained weights too."
    )
    outputs: tuple[str, ...] = ()
    gain: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether time and memory of the dense, masked and slim networks are measured at the end; auto: "
        "where all trainings together are 10^13 operations or more.",
    )

    @property
    def removes_channels(self) -> bool:
        """Whether whole channels are taken out of the network, rather than single entries set to zero."""
        return False
