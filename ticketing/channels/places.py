"""What functions that move entries about do to their channels: channels stay whole, wherever they come to lie."""

from typing import Any

import torch
from torch import Tensor

from ticketing.channels.labels import Carried
from ticketing.channels.reading import Call, Reading


def pool(reading: Reading, call: Call) -> Carried | None:
    """Pools slide over the last two axes; a window of zeros gives zero."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is not None and carried.axis >= x.dim() - 2:
        reading.stay([x], f"{call.name} in {call.place} slides over them")
        return None
    return carried


def mean(reading: Reading, call: Call) -> Carried | None:
    """A mean over other axes than the channels'."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    along = call.argument(1, "dim")
    axes = range(x.dim()) if along is None else [a % x.dim() for a in ([along] if isinstance(along, int) else along)]
    if carried.axis in axes:
        reading.stay([x], f"{call.name} in {call.place} is over them")
        return None
    gone = 0 if call.argument(2, "keepdim", False) else sum(a < carried.axis for a in axes)
    return Carried(carried.axis - gone, carried.labels)


def flatten(reading: Reading, call: Call) -> Carried | None:
    """Channels come first in what is flattened: each becomes the run of its entries."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    begin, end = call.argument(1, "start_dim", 0) % x.dim(), call.argument(2, "end_dim", -1) % x.dim()
    if not begin < carried.axis <= end:
        axis = carried.axis if carried.axis <= begin else carried.axis - (end - begin)
        run = x.shape[begin + 1 : end + 1].numel() if carried.axis == begin else 1
        return Carried(axis, carried.labels.repeat_interleave(run))
    reading.stay([x], f"{call.place} flattens them behind another axis")
    return None


def transpose(reading: Reading, call: Call) -> Carried | None:
    """Two axes change places."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    a, b = call.argument(1, "dim0") % x.dim(), call.argument(2, "dim1") % x.dim()
    return Carried({a: b, b: a}.get(carried.axis, carried.axis), carried.labels)


def pad(reading: Reading, call: Call) -> Carried | None:
    """Zeros beside an image change nothing; zeros beside the channels are channels that nothing makes."""
    x, sides, carried = call.args[0], list(call.argument(1, "pad")), reading.carried(call.args[0])
    if carried is None:
        return None
    if call.argument(2, "mode", "constant") != "constant" or call.argument(3, "value", None):
        reading.stay([x], f"{call.place} pads with what is not zero")
        return None
    place = 2 * (x.dim() - 1 - carried.axis)
    before, behind = sides[place : place + 2] or (0, 0)
    if min(before, behind) < 0:
        reading.stay([x], f"{call.place} takes some of them")
        return None
    if before or behind:
        zeros = reading.pads[call.module] = (reading.book.fresh(before), reading.book.fresh(behind))
        carried = Carried(carried.axis, torch.cat([zeros[0], carried.labels, zeros[1]]))
    return carried


def index(reading: Reading, call: Call) -> Carried | None:
    """Take some of the places, and all channels of them."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is None:
        return None
    places = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    whole = carried.axis >= len(places) or places[carried.axis] == slice(None)
    if not whole or not all(isinstance(place, int | slice) for place in places):
        reading.stay([x], f"{call.place} takes some of them")
        return None
    return Carried(carried.axis - sum(isinstance(place, int) for place in places[: carried.axis]), carried.labels)


def narrow(reading: Reading, call: Call) -> Carried | None:
    """Take a window of places, and all channels of it."""
    x, carried = call.args[0], reading.carried(call.args[0])
    if carried is not None and call.argument(1, "dim") % x.dim() == carried.axis:
        reading.stay([x], f"{call.place} takes some of them")
        return None
    return carried


def cat(reading: Reading, call: Call) -> Carried | None:
    """Beside each other, channels stay what they are; behind each other, the same places are one channel."""
    parts, axis = call.argument(0, "tensors"), call.argument(1, "dim", 0) % call.result.dim()
    carried = [reading.carried(part) for part in parts]
    known = [part for part in carried if part is not None]
    if len(known) < len(parts) or len({part.axis for part in known}) > 1:
        reading.stay(parts, f"cat in {call.place} joins them with what holds no channels")
        return None
    if known[0].axis == axis:
        return Carried(axis, torch.cat([part.labels for part in known]))
    labels = known[0].labels
    for part in known[1:]:
        labels = reading.book.join(labels, part.labels)
    return Carried(known[0].axis, labels)


def expand(reading: Reading, call: Call) -> Carried | None:
    """The same values seen again along other axes."""
    carried = operand(reading, call.args[0])
    return carried and aligned(carried, call, call.result.dim(), first=True)


def operand(reading: Reading, value: Any) -> Carried | None:
    """Give what an operand carries; a parameter of several entries holds channels along its last axis."""
    carried = reading.carried(value)
    if carried is None and isinstance(value, Tensor) and id(value) in reading.names and value.dim():
        labels = reading.book.fresh(value.shape[-1])
        reading.stand(value, value.dim() - 1, labels)
        return Carried(value.dim() - 1, labels)
    return carried


def aligned(carried: Carried, call: Call, rank: int, *, first: bool) -> Carried:
    """Count an operand's axis in the result, which may have more axes before it."""
    return Carried(carried.axis + rank - call.args[0 if first else 1].dim(), carried.labels)
