"""ticketing.channels.scales: gamma of every norm, or a scale for every head and hidden unit; shared ones averaged."""

from typing import Any

import pytest
import torch

from ticketing.architectures import inventory
from ticketing.channels import channels_of
from ticketing.channels.scales import pooled, scales_of
from ticketing.folder import ModelSpec
from ticketing.models import build
from ticketing.subject import Subject

LISTED = inventory("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3})
RESNET = channels_of(build(ModelSpec(architecture="resnet-20", arguments=LISTED.arguments)), LISTED)


def test_a_channel_around_a_shortcut_has_the_mean_of_its_norms() -> None:
    found = scales_of(LISTED, RESNET)
    names = found.names
    assert len(names) == 19
    assert list(found.kinds) == ["channels"]
    assert found.ranked.all()
    assert not found.learned
    entries = {name: torch.full(LISTED.state[name].shape, float(i)) for i, name in enumerate(names)}
    scores = pooled(entries, found.along, RESNET.count)
    of_stem = RESNET.axes["conv1.weight", 0]
    last = RESNET.axes["layer3.0.bn2.weight", 0]
    shared = [i for i, name in enumerate(names) if torch.equal(RESNET.axes[name, 0], of_stem)]
    later = [i for i, name in enumerate(names) if name.endswith("bn2.weight") and not name.startswith("layer1")]
    assert shared == [0, 2, 4, 6]
    assert scores[of_stem].tolist() == [sum(shared + later) / len(shared + later)] * 16
    of_last_stage = [i for i in later if names[i].startswith("layer3")]
    assert scores[last[0]] == sum(of_last_stage) / len(of_last_stage)
    assert scores[RESNET.axes["layer1.0.bn1.weight", 0]].tolist() == [1.0] * 16


def test_a_network_without_such_norms_has_no_scores() -> None:
    assert pooled({}, {}, RESNET.count).isnan().all()


def test_a_score_is_the_size_of_a_scale_whatever_its_sign() -> None:
    found = scales_of(LISTED, RESNET)
    weights = {name: -torch.ones(LISTED.state[name].shape) for name in found.names}
    assert found.scores(weights).tolist() == [1.0] * RESNET.count


@pytest.mark.parametrize("architecture", ["vit-tiny", "gpt"])
def test_a_network_that_attends_learns_one_for_every_head_and_hidden_unit(
    make_subject: Any, tiny_arguments: Any, architecture: str
) -> None:
    subject: Subject = make_subject(architecture, **tiny_arguments(architecture))
    channels = channels_of(subject.module, subject.inventory)
    found = scales_of(subject.inventory, channels)
    depth, heads, width = (subject.inventory.arguments[word] for word in ("depth", "heads", "width"))
    assert {kind: int(own.sum()) for kind, own in found.kinds.items()} == {
        "heads": depth * heads,
        "units": depth * 4 * width,
    }
    assert not bool((found.kinds["heads"] & found.kinds["units"]).any())
    assert sorted(found.learned.values()) == sorted([heads, 4 * width] * depth)
    # Every channel has one scale, in the order in which the reading layer has its inputs.
    every = torch.cat(list(found.along.values()))
    assert sorted(every.tolist()) == found.ranked.nonzero()[:, 0].tolist()
    for name, along in found.along.items():
        inputs = channels.axes[name.removesuffix(".scale") + ".weight", 1]
        assert torch.equal(along.repeat_interleave(len(inputs) // len(along)), inputs)


def test_what_neither_norms_nor_attends_has_none(make_subject: Any) -> None:
    subject = make_subject("mlp")
    found = scales_of(subject.inventory, channels_of(subject.module, subject.inventory))
    assert not found.along
    assert not found.ranked.any()
