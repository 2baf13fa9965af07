"""What the functions of a network do to the channels that flow through them: the list of rules, and sums.

A removed channel is zero, so a function may stand between two layers if it makes zero of zero, channel by channel.
To add one: a function of `Rule`'s shape here, in `layers` or in `places`, and its line in `RULES`.
"""

from collections.abc import Mapping

from ticketing.channels.labels import Carried
from ticketing.channels.layers import attend, batch_norm, convolution, embedding, layer_norm, linear
from ticketing.channels.places import (
    aligned,
    cat,
    expand,
    flatten,
    index,
    mean,
    narrow,
    operand,
    pad,
    pool,
    transpose,
)
from ticketing.channels.reading import Call, Reading, Rule


def alike(reading: Reading, call: Call) -> Carried | None:
    """Zero stays zero, entry by entry."""
    return reading.carried(call.args[0])


def bounded(reading: Reading, call: Call) -> Carried | None:
    """Zero stays zero between bounds on either side of it."""
    if not call.argument(1, "min_val", -1.0) <= 0 <= call.argument(2, "max_val", 1.0):
        reading.stay(call.args[:1], f"{call.place} makes of zero what is not zero")
    return reading.carried(call.args[0])


def summed(reading: Reading, call: Call) -> Carried | None:
    """What is summed goes together: a channel of the sum is zero where all of its summands are."""
    return _joined(reading, call, constants=False)


def multiplied(reading: Reading, call: Call) -> Carried | None:
    """Zero times anything is zero."""
    return _joined(reading, call, constants=True)


def divided(reading: Reading, call: Call) -> Carried | None:
    """Zero by anything that is not zero is zero; nothing may be divided by a channel that could be removed."""
    reading.stay(call.args[1:2], f"{call.name} in {call.place} divides by them")
    return _joined(reading, call, constants=True)


def _joined(reading: Reading, call: Call, *, constants: bool) -> Carried | None:
    if not any(reading.carried(value) for value in call.args[:2]):
        return None
    one, other = (operand(reading, value) for value in call.args[:2])
    rank = call.result.dim()
    if one is None or other is None:
        carried, value = (one, call.args[1]) if other is None else (other, call.args[0])
        if not constants and not (isinstance(value, int | float) and value == 0):
            reading.stay(call.args[:2], f"{call.name} in {call.place} adds what holds no channels")
        return carried and aligned(carried, call, rank, first=other is None)
    here, there = aligned(one, call, rank, first=True), aligned(other, call, rank, first=False)
    if here.axis != there.axis or len(here.labels) != len(there.labels):
        reading.stay(call.args[:2], f"{call.name} in {call.place} crosses two axes of channels")
        return None
    return Carried(here.axis, reading.book.join(here.labels, there.labels))


_ALIKE = (
    "relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "hardswish", "mish", "tanh",
    "dropout", "to", "contiguous", "clone", "detach", "float", "bfloat16", "half", "double", "identity",
)  # fmt: skip
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_ALIKE, alike),
    **dict.fromkeys(("add", "sub", "__add__", "__radd__", "__iadd__", "__sub__", "__isub__"), summed),
    **dict.fromkeys(("mul", "__mul__", "__rmul__", "__imul__"), multiplied),
    **dict.fromkeys(("div", "__truediv__"), divided),
    "hardtanh": bounded,
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"), pool),
    **dict.fromkeys(("mean", "sum"), mean),
    "linear": linear,
    "conv2d": convolution,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "flatten": flatten,
    "transpose": transpose,
    "pad": pad,
    "__getitem__": index,
    "narrow": narrow,
    "cat": cat,
    "attend": attend,
    "expand": expand,
    "embedding": embedding,
}
"""By the name of the function, without the underscore of one that works in place."""
