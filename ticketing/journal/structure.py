"""What of a network a search removes: single entries, or whole channels that are taken out; removes nothing."""

from dataclasses import replace

from ticketing.channels import Kept
from ticketing.channels.sets import sets_of
from ticketing.channels.slimming import kept_of
from ticketing.journal.journal import Journal
from ticketing.journal.workbench import Workbench
from ticketing.ladder.channels import ChannelSets
from ticketing.mask import Mask

WIDTHS = "target/widths"
"""The journal's name for how narrow the network must be for its target, and how that was found."""


def sets_in(bench: Workbench) -> ChannelSets | None:
    """Give the sets of channels that compete; None where entries do."""
    return ending(sets_of(bench.channels), bench.journal) if bench.recipe.removes_channels else None


def ending(sets: ChannelSets, journal: Journal) -> ChannelSets:
    """Add what the last level keeps, where a target decided that."""
    found = journal.facts.get(WIDTHS)
    return sets if found is None else replace(sets, end=tuple(found["kept"]))


def kept_in(bench: Workbench, mask: Mask) -> Kept | None:
    """Give the channels that a mask leaves, so that the others are taken out of the network; None where none are."""
    if not bench.recipe.removes_channels or mask.kept_count == mask.total:
        return None
    return kept_of(bench.channels, mask)
