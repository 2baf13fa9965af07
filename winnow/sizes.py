"""What parts of your own module say of their sizes as integers, and what they must say when narrower; imports no torch.

A number that may be a size, of which nobody says what becomes of it, is refused: left as it is, it could make the
module compute another thing without an error.
"""

from collections.abc import Iterable

from ticketing.errors import VerificationError
from ticketing.slim import Pad, Slim, Taken

HEADS = ("heads", "num_heads", "n_heads", "n_head", "nhead", "nheads", "num_attention_heads")
"""How modules that attend call the number of their heads."""


def of_heads(name: str, part: object, slim: Slim) -> dict[str, int]:
    """Give the attributes of a module that attends which say how many heads it has.

    Raises:
        VerificationError: None of `HEADS` is the number of heads of the whole network, or another attribute may be a
            size of what becomes narrower in it, or their number once more.
    """
    whole, kept = slim.heads[name].whole, len(slim.heads[name].kept)
    own = _integers(part)
    found = {attribute: kept for attribute in HEADS if own.get(attribute) == whole}
    if not found:
        raise VerificationError(f"{called(name, part)}: expected its {whole} heads in one of {HEADS}, got {own}")
    inside = f"{name}." if name else ""
    refuse_others(name, part, [taken for key, taken in slim.tensors.items() if key.startswith(inside)], heads=whole)
    return found


def of_pad(name: str, part: object, pad: Pad) -> dict[str, int]:
    """Give the attributes of a module that pads channels with zeros.

    Raises:
        VerificationError: It has others than the whole network.
    """
    own, whole = _integers(part), {"before": pad.before.whole, "behind": pad.behind.whole}
    if (came := {side: own.get(side) for side in whole}) != whole:
        raise VerificationError(f"{called(name, part)} pads channels: expected attributes {whole}, got {came}")
    return {"before": pad.before.slim, "behind": pad.behind.slim}


def refuse_others(name: str, part: object, tensors: Iterable[Taken], *, heads: int | None = None) -> None:
    """Refuse a part with an integer, not under a name of `HEADS`, that may be a size of what becomes narrower.

    Args:
        name: Of the part.
        part: Of the module.
        tensors: That may become narrower in it.
        heads: How many it has in the whole network, if it attends.

    Raises:
        VerificationError: It has one.
    """
    lengths = {heads, *(taken.whole[axis] for taken in tensors for axis in taken.kept)}
    odd = {key: value for key, value in _integers(part).items() if value in lengths and key not in HEADS}
    if odd:
        raise VerificationError(f"{called(name, part)} cannot be made narrower: {odd} may be a size or not")


def called(name: str, part: object) -> str:
    """Name a part of a module as its owner finds it."""
    return f"{name or 'the module'} ({type(part).__name__})"


def _integers(part: object) -> dict[str, int]:
    return {attribute: value for attribute, value in vars(part).items() if type(value) is int}
