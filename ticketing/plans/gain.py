"""Whether a run measures what its ticket gains; measures nothing."""

from ticketing.recipe.recipe import TicketRecipe

WORTH_WHILE = 10**13
"""Operations of all trainings, minutes of a CPU core: beside fewer, a measurement takes long."""


def measures_gain(recipe: TicketRecipe, *, training_flops: int) -> bool:
    """Say whether the speed of the networks is measured at the end.

    Args:
        recipe: Of the run.
        training_flops: Of all its trainings, as its plan says.
    """
    return recipe.gain == "always" or (recipe.gain == "auto" and training_flops >= WORTH_WHILE)
