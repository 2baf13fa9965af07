"""What may be asked of a search: one recipe per search, every field with a default, a bound and a unit.

A word without code behind it is refused with the list of those that have. Knows no model and no data: what depends
on them is merged in by `ticketing.plans.parsing.resolve`.
"""

from collections.abc import Mapping

from ticketing.recipe.budget import Budget
from ticketing.recipe.capacity_sweep import CAPACITY_PRESET, CapacitySweep
from ticketing.recipe.early_bird import EarlyBird
from ticketing.recipe.evidence import DENSE_LENGTHS, EVIDENCE_WORDS, FULL_SCHEDULE, Control, Evidence
from ticketing.recipe.gradual import Gradual
from ticketing.recipe.iterative import DEFAULT_LEVELS, MOST_LEVELS, Iterative
from ticketing.recipe.label_noise import LabelNoise
from ticketing.recipe.learning_rate import Constant, Cosine, Milestones, OneCycle, Schedule
from ticketing.recipe.optimizer import SGD, Adam, AdamW, Optimizer
from ticketing.recipe.part import Part
from ticketing.recipe.pruning import LayerKind, Rate
from ticketing.recipe.recipe import RECIPE_VERSION, Recipe, TicketRecipe
from ticketing.recipe.structure import NOfM
from ticketing.recipe.target import SlimTarget, Target
from ticketing.recipe.training import Augment, Ema, Precision, Training

__all__ = [
    "CAPACITY_PRESET",
    "DEFAULT_LEVELS",
    "DENSE_LENGTHS",
    "EVIDENCE_WORDS",
    "FULL_SCHEDULE",
    "MOST_LEVELS",
    "RECIPES",
    "RECIPE_VERSION",
    "SEARCHES",
    "SGD",
    "Adam",
    "AdamW",
    "AnyRecipe",
    "Augment",
    "Budget",
    "CapacitySweep",
    "Constant",
    "Control",
    "Cosine",
    "EarlyBird",
    "Ema",
    "Evidence",
    "Gradual",
    "Iterative",
    "LabelNoise",
    "LayerKind",
    "Milestones",
    "NOfM",
    "OneCycle",
    "Optimizer",
    "Part",
    "Precision",
    "Rate",
    "Recipe",
    "Schedule",
    "SlimTarget",
    "Target",
    "TicketRecipe",
    "Training",
]

AnyRecipe = Iterative | EarlyBird | CapacitySweep
RECIPES: Mapping[str, type[Iterative] | type[EarlyBird] | type[CapacitySweep]] = {
    "iterative": Iterative,
    "early_bird": EarlyBird,
    "capacity_sweep": CapacitySweep,
}
SEARCHES = tuple(RECIPES)
