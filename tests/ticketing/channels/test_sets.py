"""ticketing.channels.sets: channels that stand along the same axes, as often along each, are one set."""

import torch

from ticketing.architectures import arguments_for, inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.channels import STAYS
from ticketing.channels.sets import sets_of
from ticketing.folder import ModelSpec
from ticketing.models import build


def channels_in(architecture: str, **arguments: object) -> Channels:
    given = arguments_for(architecture, arguments)
    listed = inventory(architecture, given)
    return channels_of(build(ModelSpec(architecture=architecture, arguments=given)), listed)


def test_channels_of_a_residual_network_are_alike_within_a_stage_and_within_a_block() -> None:
    channels = channels_in("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    sets = [set(alike.channels) for alike in sets_of(channels).sets]
    inside = set(channels.axes["layer1.0.conv1.weight", 0].tolist())
    assert inside in sets
    # Of the 64 channels around the shortcuts, 16 are there from the first stage on, 16 from the second.
    around = {n: set(channels.axes[f"layer{n}.0.bn2.weight", 0].tolist()) for n in (1, 2, 3)}
    assert around[1] in sets
    assert around[2] - around[1] in sets
    assert around[3] - around[2] in sets


def test_a_channel_counts_as_often_as_it_stands_along_an_axis() -> None:
    (alike,) = [one for one in sets_of(channels_in("lenet-5")).sets if ("conv2.weight", 0) in one.places]
    assert alike.places["conv2.weight", 0] == 1
    assert alike.places["fc1.weight", 1] > 1


def test_channels_that_stand_elsewhere_or_more_often_are_no_set() -> None:
    axes = {
        ("made.weight", 0): torch.tensor([0, 1, 2, 3]),
        ("read.weight", 1): torch.tensor([0, 0, 1, 2, STAYS]),
    }
    sets = sets_of(Channels(4, axes, {}, {}, {})).sets
    assert [alike.channels for alike in sets] == [(0,), (1, 2), (3,)]
    assert sets[0].places == {("made.weight", 0): 1, ("read.weight", 1): 2}
