"""What the functions of a network do to the channels that flow through them, one rule each.

A removed channel is zero, so a function may stand between two layers if it makes zero of zero, channel by channel.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ticketing.channels.labels import Carried
from ticketing.channels.reading import Call, Reading, Rule


def _alike(reading: Reading, call: Call) -> Carried | None:
    """Zero stays zero, entry by entry."""
    return reading.carried(call.args[0])


def _linear(reading: Reading, call: Call) -> Carried | None:
    """Every output reads all inputs: columns of the weight are the channels read, rows new ones."""
    x, weight = call.argument(0, "input"), call.argument(1, "weight")
    into = reading.carried(x)
    if into is not None and (into.axis != x.dim() - 1 or not reading.stand(weight, 1, into.labels)):
        reading.stay([x], f"{call.module} reads them along another axis, or by a weight that is no parameter")
    return _made(reading, call, weight, call.argument(2, "bias"), axis=call.result.dim() - 1)


def _convolution(reading: Reading, call: Call) -> Carried | None:
    """Like a linear layer along axis 1; one filter per channel (depthwise) makes no new ones."""
    x, weight, bias = call.argument(0, "input"), call.argument(1, "weight"), call.argument(2, "bias")
    groups, into = call.argument(6, "groups", 1), reading.carried(x)
    if groups == 1:
        if into is not None and not reading.stand(weight, 1, into.labels):
            reading.stay([x], f"{call.module} reads them by a weight that is no parameter")
        return _made(reading, call, weight, bias, axis=1)
    if into is not None and groups == x.shape[1] == weight.shape[0]:
        stands = reading.stand(weight, 0, into.labels) and reading.stand(bias, 0, into.labels)
        if not stands:
            reading.stay([x], f"{call.module} filters them by a weight that is no parameter")
        return Carried(1, into.labels)
    reason = f"{call.module} is a convolution in {groups} groups"
    reading.stay([x], reason)
    made = _made(reading, call, weight, bias, axis=1)
    reading.book.stay(made.labels.tolist(), reason)
    return made


def _made(reading: Reading, call: Call, weight: Tensor, bias: Tensor | None, *, axis: int) -> Carried:
    """Label what a layer makes: rows of its weight and entries of its bias."""
    labels = reading.book.fresh(weight.shape[0])
    if not (reading.stand(weight, 0, labels) and reading.stand(bias, 0, labels)):
        reading.book.stay(labels.tolist(), f"{call.module} makes them by a weight that is no parameter")
    return Carried(axis, labels)


def _batch_norm(reading: Reading, call: Call) -> Carried | None:
    """A norm of each channel by itself: with its scale and shift at zero it makes zero."""
    carried = reading.carried(call.args[0])
    if carried is None:
        return None
    weight, bias = call.argument(3, "weight"), call.argument(4, "bias")
    tensors = (call.argument(1, "running_mean"), call.argument(2, "running_var"), weight, bias)
    if not all(reading.stand(tensor, 0, carried.labels) for tensor in tensors):
        reading.stay(call.args[:1], f"{call.module} norms them by what is no parameter")
    if weight is None or bias is None:
        reading.stay(call.args[:1], f"{call.module} has no scale and shift of theirs that could be zero")
    return carried


def _layer_norm(reading: Reading, call: Call) -> Carried | None:
    """A norm over all channels together: without one of them the others are another."""
    reading.stay(call.args[:1], f"{call.module} norms over them")
    carried = reading.carried(call.args[0])
    if carried is not None:
        for position, name in ((2, "weight"), (3, "bias")):
            reading.stand(call.argument(position, name), 0, carried.labels)
    return carried


def _sum(reading: Reading, call: Call) -> Carried | None:
    """What is summed goes together: a channel of the sum is zero where all of its summands are."""
    return _joined(reading, call, constants=False)


def _product(reading: Reading, call: Call) -> Carried | None:
    """Zero times anything is zero."""
    return _joined(reading, call, constants=True)


def _joined(reading: Reading, call: Call, *, constants: bool) -> Carried | None:
    if not any(reading.carried(value) for value in call.args[:2]):
        return None
    one, other = (_operand(reading, value) for value in call.args[:2])
    rank = call.result.dim()
    if one is None or other is None:
        carried, value = (one, call.args[1]) if other is None else (other, call.args[0])
        if not constants and not (isinstance(value, int | float) and value == 0):
            reading.stay(call.args[:2], f"{call.name} in {call.module or 'the network'} adds what holds no channels")
        return carried and _aligned(carried, call, rank, first=other is None)
    here, there = _aligned(one, call, rank, first=True), _aligned(other, call, rank, first=False)
    if here.axis != there.axis or len(here.labels) != len(there.labels):
        reading.stay(call.args[:2], f"{call.name} in {call.module or 'the network'} crosses two axes of channels")
        return None
    return Carried(here.axis, reading.book.join(here.labels, there.labels))


def _operand(reading: Reading, value: Any) -> Carried | None:
    """Give what an operand carries; a parameter of several entries holds channels along its last axis."""
    carried = reading.carried(value)
    if carried is None and isinstance(value, Tensor) and id(value) in reading.names and value.dim():
        labels = reading.book.fresh(value.shape[-1])
        reading.stand(value, value.dim() - 1, labels)
        return Carried(value.dim() - 1, labels)
    return carried


def _aligned(carried: Carried, call: Call, rank: int, *, first: bool) -> Carried:
    """Count an operand's axis in the result, which may have more axes before it."""
    return Carried(carried.axis + rank - call.args[0 if first else 1].dim(), carried.labels)


def _pool(reading: Reading, call: Call) -> Carried | None:
    """Pools slide over the last axes; a window of zeros gives zero."""
    return reading.carried(call.args[0])


def _mean(reading: Reading, call: Call) -> Carried | None:
    """A mean over other axes than the channels'."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    along = call.argument(1, "dim")
    axes = range(x.dim()) if along is None else [a % x.dim() for a in ([along] if isinstance(along, int) else along)]
    if carried.axis in axes:
        reading.stay([x], f"{call.name} in {call.module} is over them")
        return None
    gone = 0 if call.argument(2, "keepdim", False) else sum(a < carried.axis for a in axes)
    return Carried(carried.axis - gone, carried.labels)


def _flatten(reading: Reading, call: Call) -> Carried | None:
    """Channels come first in what is flattened: each becomes the run of its entries."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    begin, end = call.argument(1, "start_dim", 0) % x.dim(), call.argument(2, "end_dim", -1) % x.dim()
    if not begin < carried.axis <= end:
        axis = carried.axis if carried.axis <= begin else carried.axis - (end - begin)
        run = x.shape[begin + 1 : end + 1].numel() if carried.axis == begin else 1
        return Carried(axis, carried.labels.repeat_interleave(run))
    reading.stay([x], f"{call.module} flattens them behind another axis")
    return None


def _transpose(reading: Reading, call: Call) -> Carried | None:
    """Two axes change places."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    a, b = call.argument(1, "dim0") % x.dim(), call.argument(2, "dim1") % x.dim()
    return Carried({a: b, b: a}.get(carried.axis, carried.axis), carried.labels)


def _pad(reading: Reading, call: Call) -> Carried | None:
    """Zeros beside an image change nothing; zeros beside the channels are channels that nothing makes."""
    x, sides, carried = call.args[0], list(call.argument(1, "pad")), reading.carried(call.args[0])
    if carried is None:
        return None
    if call.argument(2, "mode", "constant") != "constant" or call.argument(3, "value", None):
        reading.stay([x], f"{call.module} pads with what is not zero")
        return None
    place = 2 * (x.dim() - 1 - carried.axis)
    before, behind = sides[place : place + 2] or (0, 0)
    if before or behind:
        zeros = reading.pads[call.module] = (reading.book.fresh(before), reading.book.fresh(behind))
        carried = Carried(carried.axis, torch.cat([zeros[0], carried.labels, zeros[1]]))
    return carried


def _index(reading: Reading, call: Call) -> Carried | None:
    """Take some of the places, and all channels of them."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    places = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    whole = carried.axis >= len(places) or places[carried.axis] == slice(None)
    if not whole or not all(isinstance(place, int | slice) for place in places):
        reading.stay([x], f"{call.module or 'the network'} takes some of them")
        return None
    return Carried(carried.axis - sum(isinstance(place, int) for place in places[: carried.axis]), carried.labels)


def _narrow(reading: Reading, call: Call) -> Carried | None:
    """Take a window of places, and all channels of it."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is not None and call.argument(1, "dim") % x.dim() == carried.axis:
        reading.stay([x], f"{call.module} takes some of them")
        return None
    return carried


def _cat(reading: Reading, call: Call) -> Carried | None:
    """Beside each other, channels stay what they are; behind each other, the same places are one channel."""
    parts, axis = call.argument(0, "tensors"), call.argument(1, "dim", 0) % call.result.dim()
    carried = [reading.carried(part) for part in parts]
    known = [part for part in carried if part is not None]
    if len(known) < len(parts) or len({part.axis for part in known}) > 1:
        reading.stay(parts, f"cat in {call.module or 'the network'} joins them with what holds no channels")
        return None
    if known[0].axis == axis:
        return Carried(axis, torch.cat([part.labels for part in known]))
    labels = known[0].labels
    for part in known[1:]:
        labels = reading.book.join(labels, part.labels)
    return Carried(known[0].axis, labels)


def _attend(reading: Reading, call: Call) -> Carried | None:
    """A head's queries, keys and values go together, and are what it gives."""
    carried, heads = reading.carried(call.args[0]), call.keywords["heads"]
    if carried is None:
        return None
    width = len(carried.labels) // 3
    by_head = carried.labels.reshape(3, heads, width // heads).transpose(0, 1).reshape(heads, -1)
    for labels in by_head:
        reading.book.join(labels[:1].expand(len(labels)), labels)
    reading.heads[call.module] = by_head[:, 0]
    return Carried(call.result.dim() - 1, by_head[:, :1].expand(heads, width // heads).reshape(-1))


def _expand(reading: Reading, call: Call) -> Carried | None:
    """The same values seen again along other axes."""
    carried = _operand(reading, call.args[0])
    return carried and _aligned(carried, call, call.result.dim(), first=True)


def _embedding(reading: Reading, call: Call) -> Carried | None:
    """Rows of a table, whose columns are new channels."""
    table = call.argument(1, "weight")
    labels = reading.book.fresh(table.shape[1])
    reading.stand(table, 1, labels)
    return Carried(call.result.dim() - 1, labels)


_ALIKE = (
    "relu", "relu6", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "hardswish", "mish", "tanh",
    "dropout", "to", "contiguous", "clone", "detach", "float", "bfloat16", "half", "double", "identity",
)  # fmt: skip
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_ALIKE, _alike),
    **dict.fromkeys(("add", "sub", "__add__", "__radd__", "__iadd__", "__sub__", "__isub__"), _sum),
    **dict.fromkeys(("mul", "__mul__", "__rmul__", "__imul__", "div", "__truediv__"), _product),
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"), _pool),
    **dict.fromkeys(("mean", "sum"), _mean),
    "linear": _linear,
    "conv2d": _convolution,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "flatten": _flatten,
    "transpose": _transpose,
    "pad": _pad,
    "__getitem__": _index,
    "narrow": _narrow,
    "cat": _cat,
    "attend": _attend,
    "expand": _expand,
    "embedding": _embedding,
}
"""By the name of the function, without the underscore of one that works in place."""
