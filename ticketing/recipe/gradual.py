"""When a network is pruned during one training: from where, to where, how often; knows no counts."""

from typing import Annotated

from pydantic import Field, model_validator

from ticketing.recipe.part import Part, Share
from ticketing.step import Step

PositiveShare = Annotated[float, Field(gt=0, le=1)]


class Gradual(Part):
    """Moments of the one training, each a step or a fraction of `training.length` (Zhu & Gupta 2017, eq. 1)."""

    begin: Share | Step = Field(0.1, description="t_0: the network is dense up to here; the first pruning comes after.")
    end: PositiveShare | Step = Field(0.75, description="t_0 + n dt: the last pruning, which leaves the final counts.")
    every: PositiveShare | Step = Field(0.01, description="dt: from one pruning to the next.")

    @model_validator(mode="after")
    def _runs_forward(self) -> "Gradual":
        if isinstance(self.every, Step) and self.every.count == 0:
            raise ValueError("expected every of at least one iteration or epoch, got 0")
        begin, end = self.begin, self.end
        both_shares = isinstance(begin, float) and isinstance(end, float) and end <= begin
        both_steps = isinstance(begin, Step) and isinstance(end, Step) and begin.unit == end.unit
        if both_shares or (both_steps and end.count <= begin.count):  # type: ignore[union-attr]
            raise ValueError(f"expected end after begin, got {end} and {begin}")
        return self
