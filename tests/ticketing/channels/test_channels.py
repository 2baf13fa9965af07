"""ticketing.channels on networks made by hand: what goes together, what stays, and why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.channels import STAYS
from ticketing.channels.slimming import slim_module, slim_state, without
from ticketing.models.images import Mean
from ticketing.subject import placed

IMAGES = inventory("conv-2", {"in_channels": 1, "input_size": [4, 4], "classes": 3})


class Net(nn.Module):
    """Two convolutions with norms and a classifier, joined by a function of the test."""

    def __init__(self, joined: Callable[["Net", Tensor], Tensor], *, groups: int = 1, into: int = 4) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.second_norm = nn.Conv2d(4, 4, 3, padding=1, groups=groups), nn.BatchNorm2d(4)
        self.fc = nn.Linear(into, 3)
        self.joined = joined

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.fc(self.joined(self, x).mean((2, 3)))
        return made

    def one(self, x: Tensor) -> Tensor:
        return self.first_norm(self.first(x)).relu()

    def two(self, x: Tensor) -> Tensor:
        made: Tensor = self.second_norm(self.second(x))
        return made


def channels_in(module: nn.Module) -> Channels:
    return channels_of(module.to("meta"), replace(IMAGES, layers=()))


def reason(net: nn.Module) -> str:
    """Give why the outputs of the second convolution stay."""
    listed = replace(IMAGES, layers=(replace(IMAGES.layers[0], name="second"),))
    return channels_of(net.to("meta"), listed).stays["second.weight"]


def check_slim(net: nn.Module) -> None:
    """Remove one channel after the other and compare with the network that has it zeroed."""
    state = {
        name: torch.rand(t.shape, generator=torch.Generator().manual_seed(len(name)), dtype=torch.float64) + 0.1
        if t.is_floating_point()
        else t
        for name, t in net.state_dict().items()
    }
    meta = net.to("meta")
    channels = channels_in(meta)
    assert channels.count
    x = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    for gone in range(channels.count):
        kept = torch.arange(channels.count) != gone
        with torch.no_grad():
            slim = placed(slim_module(meta, channels, kept), slim_state(state, channels, kept), device="cpu").eval()(x)
            masked = placed(meta, without(state, channels, kept), device="cpu").eval()(x)
        assert torch.allclose(slim, masked, rtol=1e-12, atol=0)


def test_a_channel_is_its_filter_bias_norm_and_what_is_read_of_it() -> None:
    channels = channels_in(Net(lambda net, x: net.two(net.one(x))))
    first, second = torch.arange(4), torch.arange(4, 8)
    of_first = ["first.weight", "first.bias", *(f"first_norm.{name}" for name in _norm)]
    assert all(torch.equal(channels.axes[name, 0], first) for name in of_first)
    assert torch.equal(channels.axes["second.weight", 1], first)
    assert torch.equal(channels.axes["second_norm.weight", 0], second)
    assert torch.equal(channels.axes["fc.weight", 1], second)
    assert torch.equal(channels.axes["fc.weight", 0], torch.full((3,), STAYS))
    assert channels.count == 8
    assert ("first.weight", 1) not in channels.axes


_norm = ("weight", "bias", "running_mean", "running_var")


def test_what_is_summed_around_a_shortcut_is_one_channel() -> None:
    def shortcut(net: Net, x: Tensor) -> Tensor:
        one = net.one(x)
        return (net.two(one) + one).relu()

    net = Net(shortcut)
    channels = channels_in(net)
    assert channels.count == 4
    assert torch.equal(channels.axes["first.weight", 0], channels.axes["second.weight", 0])
    check_slim(Net(shortcut))


def test_a_filter_for_each_channel_goes_with_it() -> None:
    def depthwise(net: Net, x: Tensor) -> Tensor:
        return functional.relu6(net.two(net.one(x)))

    assert channels_in(Net(depthwise, groups=4)).count == 4
    check_slim(Net(depthwise, groups=4))


def test_channels_side_by_side_stay_their_own() -> None:
    def dense(net: Net, x: Tensor) -> Tensor:
        one = net.one(x)
        return torch.cat([one, net.two(one)], 1)

    channels = channels_in(Net(dense, into=8))
    assert torch.equal(channels.axes["fc.weight", 1], torch.arange(8))
    check_slim(Net(dense, into=8))


def test_a_flattened_channel_is_the_run_of_its_entries() -> None:
    class Flat(Net):
        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.fc(self.two(self.one(x)).flatten(1))
            return made

    channels = channels_in(Flat(lambda net, x: x, into=64))
    assert torch.equal(channels.axes["fc.weight", 1], torch.arange(4, 8).repeat_interleave(16))
    check_slim(Flat(lambda net, x: x, into=64))


def test_a_gate_that_multiplies_goes_with_what_it_multiplies() -> None:
    def gated(net: Net, x: Tensor) -> Tensor:
        one = net.one(x)
        return net.two(one) * one.tanh()

    assert channels_in(Net(gated)).count == 4
    check_slim(Net(gated))


def test_a_layer_that_is_used_twice_has_one_set_of_channels() -> None:
    def twice(net: Net, x: Tensor) -> Tensor:
        return net.two(net.two(net.one(x)))

    assert channels_in(Net(twice)).count == 4
    check_slim(Net(twice))


def shuffled(net: Net, x: Tensor) -> Tensor:
    y = net.two(net.one(x))
    return y.view(len(y), 2, 2, 4, 4).transpose(1, 2).reshape(len(y), 4, 4, 4)


@pytest.mark.parametrize(
    ("joined", "arguments", "why"),
    [
        (shuffled, {}, "nothing is known of what view does to channels"),
        (lambda net, x: net.two(net.one(x)) + x, {}, "add in the network adds what holds no channels"),
        (lambda net, x: net.two(net.one(x)) + 1, {}, "add in the network adds what holds no channels"),
        (lambda net, x: net.two(net.one(x)), {"groups": 2}, "second is a convolution in 2 groups"),
        (lambda net, x: net.two(net.one(x)).sigmoid(), {}, "nothing is known of what sigmoid does to channels"),
        (lambda net, x: functional.pad(net.two(net.one(x)), (1, 1), value=2.0), {}, " pads with what is not zero"),
        (lambda net, x: functional.pad(net.two(net.one(x)), (0, 0, 0, 0, 1, -1)), {}, "the network takes some of them"),
        (lambda net, x: functional.hardtanh(net.two(net.one(x)), 0.5, 1.0), {}, "makes of zero what is not zero"),
        (lambda net, x: net.one(x) / net.two(net.one(x)), {}, "divides by them"),
        (lambda net, x: functional.max_pool2d(net.two(net.one(x)).transpose(1, 3), 1), {}, "slides over them"),
        (lambda net, x: net.two(net.one(x))[:, :4], {}, "the network takes some of them"),
        (lambda net, x: functional.softmax(net.two(net.one(x)), 1), {}, "softmax"),
        (lambda net, x: torch.cat([net.two(net.one(x)), x], 1)[:, :4], {}, "joins them with what holds no channels"),
        (lambda net, x: net.two(net.one(x)).transpose(1, 2).contiguous(), {}, "mean in the network is over them"),
    ],
)
def test_what_cannot_lose_a_channel_stays_and_says_why(
    joined: Callable[[Net, Tensor], Tensor], arguments: dict[str, Any], why: str
) -> None:
    assert why in reason(Net(joined, **arguments))


def test_what_is_made_of_another_number_stays() -> None:
    """One channel times many: what comes of it has many, and the one stands along no axis of theirs."""

    class Gated(Net):
        def forward(self, x: Tensor) -> Tensor:
            gate = self.second(self.one(x)).narrow(2, 0, 4)
            made: Tensor = self.fc((gate * x.expand(-1, 4, -1, -1)).mean((2, 3)))
            return made

    net = Gated(lambda net, x: x)
    net.second = nn.Conv2d(4, 1, 1)
    channels = channels_in(net)
    assert torch.equal(channels.axes["second.weight", 0], torch.tensor([STAYS]))
    assert ("fc.weight", 1) not in channels.axes


def test_all_outputs_of_a_network_stay() -> None:
    class Two(Net):
        def forward(self, x: Tensor) -> Any:
            one = self.one(x)
            return {"logits": self.fc(self.two(one).mean((2, 3))), "features": [one]}

    assert torch.equal(channels_in(Two(lambda net, x: x)).axes["first.weight", 0], torch.full((4,), STAYS))


def test_a_convolution_along_another_axis_is_not_taken_for_one_of_channels() -> None:
    class Turned(Net):
        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.fc(self.second(self.one(x).transpose(1, 2)).mean((2, 3)))
            return made

    channels = channels_in(Turned(lambda net, x: x))
    assert torch.equal(channels.axes["first.weight", 0], torch.full((4,), STAYS))
    assert ("second.weight", 1) not in channels.axes


def test_an_added_parameter_is_made_of_channels_too() -> None:
    class Shifted(Net):
        def __init__(self) -> None:
            super().__init__(lambda net, x: x)
            self.shift = nn.Parameter(torch.rand(1, 1, 4))

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.one(x).flatten(2).transpose(1, 2) + self.shift
            made: Tensor = self.fc(tokens.mean(1))
            return made

    channels = channels_in(Shifted())
    assert torch.equal(channels.axes["shift", 2], channels.axes["first.weight", 0])
    check_slim(Shifted())


def test_a_weight_that_is_no_parameter_keeps_its_channels() -> None:
    class Scaled(Net):
        def two(self, x: Tensor) -> Tensor:
            return functional.conv2d(x, self.second.weight * 2, None, padding=1)

    channels = channels_in(Scaled(lambda net, x: net.two(net.one(x))))
    assert channels.count == 0


def test_reading_leaves_the_network_as_it_was() -> None:
    net = Net(lambda net, x: net.two(net.one(x))).to("meta")
    channels_in(net)
    assert net.training
    assert not net._forward_hooks
    assert not net.first._forward_pre_hooks


def test_a_network_without_norms_has_channels_too() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.GELU(), Mean(), nn.Linear(2, 3))
    assert channels_in(module).count == 6
    check_slim(module)
