"""What may be asked of the sweep over widths: which, how many examples, which loss, what is reused."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ticketing.recipe.recipe import Recipe

CAPACITY_PRESET: dict[str, Any] = {
    "training": {
        "length": "500ep",
        "batch_size": 128,
        "optimizer": {"name": "adam", "learning_rate": 0.001},
        "evaluate_every": "100ep",
        "precision": "fp32",
    },
}
"""How the networks of a sweep are trained where the recipe does not say (paper: SGD, 0.95, 6,000 epochs)."""


class CapacitySweep(Recipe):
    """Double descent over the width of one hidden layer (Belkin et al. 2018, arXiv 1812.11118); makes no ticket."""

    search: Literal["capacity_sweep"]
    widths: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] | None = Field(
        None,
        min_length=2,
        max_length=60,
        description="Hidden widths, ascending; a grid around the interpolation threshold when absent.",
    )
    examples: int = Field(4000, ge=2, description="Train examples, drawn by class; validation is carved out before.")
    repeats: int = Field(5, ge=1, le=30, description="Initialisations and data orders of every width.")
    loss: Literal["mse", "cross_entropy"] = Field(
        "mse", description="mse: squared distance of the outputs to the one-hot class, summed over the classes."
    )
    reuse_weights: bool = Field(
        True, description="Below the threshold a width starts from what the width before it trained to."
    )

    @model_validator(mode="after")
    def _fields_agree(self) -> "CapacitySweep":
        if self.widths is not None and list(self.widths) != sorted(set(self.widths)):
            raise ValueError(f"expected widths in ascending order, each once, got {list(self.widths)}")
        if self.training.augment != "none":
            raise ValueError(f"expected no augmentation, for its examples are counted, got {self.training.augment}")
        return self
