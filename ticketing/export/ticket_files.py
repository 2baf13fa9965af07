"""The files of a delivered network, whichever search it is of: its weights, slim where channels are gone, its graphs.

Trains nothing, and decides nothing but which network a runtime gets.
"""

from pathlib import Path
from typing import Any

from ticketing.channels import Kept
from ticketing.channels.slimming import slim_inventory, slim_state
from ticketing.export.deployment import Deployed, deploy
from ticketing.export.folder import write_weights
from ticketing.export.slim import write_slim
from ticketing.export.weights import About
from ticketing.journal.workbench import Bench
from ticketing.ticket import Ticket


def write_files(out: Path, bench: Bench[Any], ticket: Ticket, kept: Kept | None, *, about: About) -> Deployed:
    """Write what a recipe asks for of a ticket, and measure what it gains.

    Args:
        out: The folder.
        bench: Of the finished run.
        ticket: The delivered one, in whole tensors.
        kept: Of its channels; None where single entries were removed.
        about: What the metadata of every file says beside its layout.

    Raises:
        Stopped: The observer asked to stop while it was measured.
        VerificationError: A graph does not compute what the network does.
    """
    write_weights(out, ticket, outputs=bench.recipe.outputs, about=about)
    if kept is not None and "slim" in bench.recipe.outputs:
        slim = slim_state(ticket.trained, bench.channels, kept)
        write_slim(out, slim, bench.channels, kept, inventory=bench.subject.inventory, about=about)
    return deploy(out, bench, ticket.trained, kept)


def size_of(bench: Bench[Any], kept: Kept | None) -> dict[str, int]:
    """Count parameters and multiply-adds of a network without the channels that are gone; None for the whole one."""
    listed = bench.subject.inventory
    narrow = listed if kept is None else slim_inventory(listed, bench.channels, kept)
    return {"parameters": narrow.parameters_total, "multiply_adds": narrow.multiply_adds}
