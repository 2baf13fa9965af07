"""What layers do to the channels that flow through them: read them, make new ones, or pass them on; removes nothing."""

from torch import Tensor

from ticketing.channels.labels import Carried
from ticketing.channels.reading import Call, Reading


def linear(reading: Reading, call: Call) -> Carried | None:
    """Every output reads all inputs: columns of the weight are the channels read, rows new ones."""
    x, weight = call.argument(0, "input"), call.argument(1, "weight")
    into = reading.carried(x)
    if into is not None and (into.axis != x.dim() - 1 or not reading.stand(weight, 1, into.labels)):
        reading.stay([x], f"{call.place} reads them along another axis, or by a weight that is no parameter")
    return _made(reading, call, weight, call.argument(2, "bias"), axis=call.result.dim() - 1)


def convolution(reading: Reading, call: Call) -> Carried | None:
    """Like a linear layer along axis 1; one filter per channel (depthwise) makes no new ones."""
    x, weight, bias = call.argument(0, "input"), call.argument(1, "weight"), call.argument(2, "bias")
    groups, into = call.argument(6, "groups", 1), reading.carried(x)
    if into is not None and (x.dim(), into.axis) != (4, 1):
        reading.stay([x], f"{call.place} reads them along another axis")
        into = None
    if groups == 1:
        if into is not None and not reading.stand(weight, 1, into.labels):
            reading.stay([x], f"{call.place} reads them by a weight that is no parameter")
        return _made(reading, call, weight, bias, axis=1)
    if into is not None and groups == x.shape[1] == weight.shape[0]:
        stands = reading.stand(weight, 0, into.labels) and reading.stand(bias, 0, into.labels)
        if not stands:
            reading.stay([x], f"{call.place} filters them by a weight that is no parameter")
        return Carried(1, into.labels)
    reason = f"{call.place} is a convolution in {groups} groups"
    reading.stay([x], reason)
    made = _made(reading, call, weight, bias, axis=1)
    reading.book.stay(made.labels.tolist(), reason)
    return made


def _made(reading: Reading, call: Call, weight: Tensor, bias: Tensor | None, *, axis: int) -> Carried:
    """Label what a layer makes: rows of its weight and entries of its bias."""
    labels = reading.book.fresh(weight.shape[0])
    if not (reading.stand(weight, 0, labels) and reading.stand(bias, 0, labels)):
        reading.book.stay(labels.tolist(), f"{call.place} makes them by a weight that is no parameter")
    return Carried(axis, labels)


def batch_norm(reading: Reading, call: Call) -> Carried | None:
    """A norm of each channel by itself: with its scale and shift at zero it makes zero."""
    carried = reading.carried(call.args[0])
    if carried is None:
        return None
    weight, bias = call.argument(3, "weight"), call.argument(4, "bias")
    tensors = (call.argument(1, "running_mean"), call.argument(2, "running_var"), weight, bias)
    if carried.axis != 1 or not all(reading.stand(tensor, 0, carried.labels) for tensor in tensors):
        reading.stay(call.args[:1], f"{call.place} norms them along another axis, or by what is no parameter")
    if weight is None or bias is None:
        reading.stay(call.args[:1], f"{call.place} has no scale and shift of theirs that could be zero")
    return carried


def layer_norm(reading: Reading, call: Call) -> Carried | None:
    """A norm over all channels together: without one of them the others are another."""
    reading.stay(call.args[:1], f"{call.place} norms over them")
    carried = reading.carried(call.args[0])
    if carried is not None:
        for position, name in ((2, "weight"), (3, "bias")):
            reading.stand(call.argument(position, name), 0, carried.labels)
    return carried


def embedding(reading: Reading, call: Call) -> Carried | None:
    """Rows of a table, whose columns are new channels."""
    table = call.argument(1, "weight")
    labels = reading.book.fresh(table.shape[1])
    reading.stand(table, 1, labels)
    return Carried(call.result.dim() - 1, labels)


def attend(reading: Reading, call: Call) -> Carried | None:
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
