"""Finds, ranking by ranking, the least share of the channels without which a network is within a target. Trains
nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from ticketing.channels import Channels
from ticketing.channels.channels import stay
from ticketing.channels.ranking import Ranked
from ticketing.gain.measured import Candidate
from ticketing.gain.target import SECONDS, Verdict, finest, judge_of, measured_under, refuse_the_ends, smallest
from ticketing.recipe import SlimTarget
from ticketing.subject import Subject

Rank = Callable[[float], Ranked]
"""The share to remove, from 0 to 1 -> the channels that stay; of a larger share, fewer of the same."""
Widths = tuple[int, ...]
"""How many channels stay along every axis: what decides how fast a network is."""


class Fitted(NamedTuple):
    """The widest network within a target that a ranking has."""

    ranked: Ranked
    found: Mapping[str, Any]
    """`tried`, every network in the order they were looked at: its `share`, and what `Verdict` says; and where times
    were measured `threads` and `version` of the runtime. Plain values."""


@dataclass
class Fitting:
    """Holds the networks of one ranking after the other against one target.

    A network as wide as one that was measured before is not measured again.

    Args:
        subject: The whole network.
        channels: Of it.
        target: Of size or speed.
        seconds: As `judge_of` takes it.
        between: As `judge_of` takes it.

    Raises:
        RecipeError: The runtime is not installed.
    """

    subject: Subject
    channels: Channels
    target: SlimTarget
    seconds: float = SECONDS
    between: Callable[[], None] = lambda: None
    _judged: dict[Widths, Verdict] = field(default_factory=dict, init=False)
    _near: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Build what the target is judged by."""
        self._judge = judge_of(self.target, self.subject, seconds=self.seconds, between=self.between)

    def refuse_the_ends(self, rank: Rank) -> None:
        """Refuse a target that the whole network meets already, or that not even one channel a layer meets.

        Raises:
            RecipeError: With the figure it has.
        """
        dense, narrowest = (partial(self._verdict, rank(share)) for share in (0.0, 1.0))
        refuse_the_ends(self.target, dense=dense, narrowest=narrowest)

    def fit(self, rank: Rank) -> Fitted:
        """Find the least share within the target, to a thousandth, or where it is timed to a hundredth.

        Timed, it begins where the last ranking's ended. Counted, it knows of no ranking before, so that a run that was
        interrupted in between finds the same.
        """
        parts, seen = finest(self.target), dict[int, tuple[Ranked, Verdict]]()

        def at(part: int) -> tuple[Ranked, Verdict]:
            if part not in seen:
                ranked = rank(part / parts)
                seen[part] = (ranked, self._verdict(ranked))
            return seen[part]

        near = None if self.target.runtime is None else self._near
        self._near = smallest(lambda part: at(part)[1].within, 0, parts, near=near)
        end, _ = at(self._near)
        tried = [{"share": part / parts, **came._asdict()} for part, (_, came) in seen.items()]
        return Fitted(end, {"tried": tried, **measured_under(self.target)})

    def _verdict(self, ranked: Ranked) -> Verdict:
        widths = tuple(int(stay(along, ranked.kept).sum()) for along in self.channels.axes.values())
        if widths not in self._judged:
            slim = Candidate.slim(self.subject, self.subject.initial_state, self.channels, ranked.kept)
            self._judged[widths] = self._judge(slim)
        return self._judged[widths]
