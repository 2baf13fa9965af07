"""ticketing.controls.slim: counterparts whose masks are of whole channels."""

from itertools import count

import pytest
import torch

from ticketing.channels import Channels, channels_of
from ticketing.channels.slimming import kept_of, weight_mask
from ticketing.controls.slim import CHANNEL_CONTROLS
from ticketing.mask import Mask
from ticketing.sparse import same_bits
from ticketing.subject import Subject


@pytest.fixture
def ticket(make_subject: object) -> tuple[Channels, Subject, Mask]:
    subject: Subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)  # type: ignore[operator]
    channels = channels_of(subject.module, subject.inventory)
    kept = torch.rand(channels.count, generator=torch.Generator().manual_seed(0)) < 0.5
    return channels, subject, weight_mask(channels, kept, subject.shapes)


@pytest.mark.parametrize("control", CHANNEL_CONTROLS)
def test_a_control_removes_whole_channels_and_as_many(control: str, ticket: tuple[Channels, Subject, Mask]) -> None:
    channels, subject, mask = ticket
    draw, point = CHANNEL_CONTROLS[control], subject.initial_state
    drawn = draw(channels, subject, mask, point, seed=0, replicate=0, level=1)
    kept = kept_of(channels, drawn.mask)
    assert drawn.mask == weight_mask(channels, kept, subject.shapes) != mask
    assert int(kept.sum()) == int(kept_of(channels, mask).sum())
    assert (drawn.mask.counts() == mask.counts()) == (control != "random") == (drawn.equal == "layers")
    assert same_bits(drawn.start, point) == (control != "reinit_shuffle") == (not drawn.full_schedule)
    again = draw(channels, subject, mask, point, seed=0, replicate=0, level=1)
    assert again.mask == drawn.mask
    others = (draw(channels, subject, mask, point, seed=0, replicate=r, level=1).mask for r in count(1))
    assert next(others) != drawn.mask
