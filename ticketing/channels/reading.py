"""Runs a network once without memory and follows its channels from layer to layer; removes nothing.

A function that no rule knows makes the channels that flow into it stay: nothing is guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ticketing.channels.labels import Book, Carried, Labels


@dataclass(frozen=True)
class Call:
    """A function that the network called."""

    name: str
    args: tuple[Any, ...]
    keywords: Mapping[str, Any]
    result: Any
    module: str
    """The module in whose forward it was called."""

    @property
    def place(self) -> str:
        """Name the module for a reader."""
        return self.module or "the network"

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Give an argument, however it was passed."""
        return self.args[position] if position < len(self.args) else self.keywords.get(name, default)


Rule = Callable[["Reading", Call], Carried | None]
"""What the result of a call carries; joins labels, and marks those that must stay."""


@dataclass
class Reading:
    """What is known so far of the channels of a network that is being run."""

    names: Mapping[int, str]
    """Of every tensor of the state dict, by its id."""
    book: Book = field(default_factory=Book)
    pads: dict[str, tuple[Labels, Labels]] = field(default_factory=dict)
    """By module that pads channels: labels of the zeros before and behind."""
    heads: dict[str, Labels] = field(default_factory=dict)
    """By module that attends: a label of each head."""
    _carried: dict[int, tuple[Tensor, Carried]] = field(default_factory=dict)

    def carried(self, value: Any) -> Carried | None:
        """Give what a tensor carries; None if it is no tensor or holds no channels."""
        held = self._carried.get(id(value))
        return None if held is None else held[1]

    def carry(self, value: Tensor, carried: Carried | None) -> None:
        """Note what a tensor carries; the tensor is kept, so that no other has its id."""
        if carried is None:
            self._carried.pop(id(value), None)
        else:
            self._carried[id(value)] = (value, carried)

    def stay(self, values: Sequence[Any], reason: str) -> None:
        """Mark every channel that these values carry as one that must stay."""
        for value in values:
            if (carried := self.carried(value)) is not None:
                self.book.stay(carried.labels.tolist(), reason)

    def stand(self, tensor: Tensor | None, axis: int, labels: Labels) -> bool:
        """Note what stands along an axis of a tensor of the state dict; say whether it is one (or is not there) and has
        as many entries along it."""
        if tensor is None:
            return True
        name = self.names.get(id(tensor))
        if name is None or tensor.dim() <= axis or tensor.shape[axis] != len(labels):
            return False
        self.book.stand(name, axis, labels)
        return True


def read(module: nn.Module, inputs: Sequence[Tensor], rules: Mapping[str, Rule]) -> Reading:
    """Run a network in eval mode and follow its channels.

    Args:
        module: Its tensors on the `meta` device.
        inputs: Of its forward, on the same device.
        rules: By the name of the function.
    """
    reading = Reading({id(tensor): name for name, tensor in module.state_dict(keep_vars=True).items()})
    running: list[str] = []
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad(), _watched(module, running), _Follower(reading, rules, running):
            result = module(*inputs)
    finally:
        module.train(was_training)
    reading.stay(list(_tensors(result)), "its outputs are the network's")
    return reading


class _Follower(TorchFunctionMode):
    """Applies a rule to every function that gets a tensor which carries channels or belongs to the network."""

    def __init__(self, reading: Reading, rules: Mapping[str, Rule], running: Sequence[str]) -> None:
        super().__init__()
        self.reading, self.rules, self.running = reading, rules, running

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        keywords = kwargs or {}
        result = func(*args, **keywords)
        given, made = list(_tensors((args, keywords))), list(_tensors(result))
        if not made:
            return result
        name = getattr(func, "__name__", str(func)).partition(".")[0]
        if any(self.reading.carried(value) or id(value) in self.reading.names for value in given):
            rule = self.rules.get(name.strip("_") if name.endswith("_") and not name.startswith("__") else name)
            call = Call(name, args, keywords, result, self.running[-1] if self.running else "")
            if rule is None:
                self.reading.stay(given, f"nothing is known of what {name} does to channels")
            carried = None if rule is None else rule(self.reading, call)
            if carried is not None and any(value.shape[carried.axis] != len(carried.labels) for value in made):
                self.reading.book.stay(carried.labels.tolist(), f"{name} in {call.place} makes another number of them")
                carried = None
            for value in made:
                self.reading.carry(value, carried)
        return result


def _tensors(value: Any) -> Iterator[Tensor]:
    """Go through the tensors in nested arguments."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


@contextmanager
def _watched(module: nn.Module, running: list[str]) -> Iterator[None]:
    """Keep the names of the modules whose forward is running, the innermost last."""
    with ExitStack() as hooks:
        for name, part in module.named_modules():
            entered = part.register_forward_pre_hook(lambda *_, name=name: running.append(name))
            left = part.register_forward_hook(lambda *_: running.__delitem__(-1))
            hooks.callback(entered.remove)
            hooks.callback(left.remove)
        yield
