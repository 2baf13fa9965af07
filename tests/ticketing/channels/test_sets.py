"""ticketing.channels.sets: channels that stand along the same axes are one set, every channel in one."""

import pytest

from ticketing.architectures import ARCHITECTURES, arguments_for, inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.sets import sets_of
from ticketing.folder import ModelSpec
from ticketing.models import build


def channels_in(architecture: str, **arguments: object) -> Channels:
    given = arguments_for(architecture, arguments)
    listed = inventory(architecture, given)
    return channels_of(build(ModelSpec(architecture=architecture, arguments=given)), listed)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_channel_is_in_one_set_and_stands_where_its_set_does(architecture: str) -> None:
    channels = channels_in(architecture)
    sets = sets_of(channels).sets
    assert sorted(channel for alike in sets for channel in alike.channels) == list(range(channels.count))
    for alike in sets:
        for (name, axis), times in alike.places.items():
            along = channels.axes[name, axis].tolist()
            assert [along.count(channel) for channel in alike.channels] == [times] * len(alike.channels)


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
