"""ticketing.criteria.of_channels: scores of whole channels, beside slow references and the slope against a gate."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ticketing.channels import channels_of
from ticketing.channels.scales import scales_of
from ticketing.channels.slimming import weight_mask, without
from ticketing.criteria.of_channels import CHANNEL_CRITERIA, ChannelCandidates
from ticketing.subject import Subject, placed


def candidates_of(subject: Subject, *, removed: tuple[int, ...] = (), seed: int = 0) -> ChannelCandidates:
    """Make candidates of a network in which nothing is at rest, without some channels, and its gradients of a sum."""
    channels = channels_of(subject.module, subject.inventory)
    kept = torch.ones(channels.count, dtype=torch.bool)
    kept[list(removed)] = False
    generator = torch.Generator().manual_seed(seed)
    lived = {
        name: t + torch.rand(t.shape, generator=generator) / 4 if t.is_floating_point() else t
        for name, t in subject.initial_state.items()
    }
    mask = weight_mask(channels, kept, subject.shapes)
    trained = mask.applied_to(without(lived, channels, kept))

    def measure(names: tuple[str, ...]) -> dict[str, Tensor]:
        network = placed(subject.module, trained, device="cpu").train()
        parameters = dict(network.named_parameters())
        made = torch.autograd.grad(loss_of(subject, network), [parameters[name] for name in names])
        return dict(zip(names, made, strict=True))

    return ChannelCandidates(channels, mask, trained, scales_of(subject.inventory, channels), seed, measure)


def loss_of(subject: Subject, network: nn.Module) -> Tensor:
    x = torch.randn(8, *subject.inventory.input_shape, generator=torch.Generator().manual_seed(7))
    made: Tensor = network(x).square().mean()
    return made


@pytest.fixture
def plain(make_subject: Any) -> Subject:
    subject: Subject = make_subject()
    return subject


@pytest.fixture
def residual(make_subject: Any) -> Subject:
    made: Subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    return made


def test_every_word_scores_every_channel_and_changes_nothing(residual: Subject) -> None:
    candidates = candidates_of(residual)
    before = {name: tensor.clone() for name, tensor in candidates.trained.items()}
    for word, criterion in CHANNEL_CRITERIA.items():
        scores = criterion(candidates)
        assert (scores.shape, scores.dtype) == ((candidates.channels.count,), torch.float64), word
        assert bool(torch.isfinite(scores).all()), word
        assert torch.equal(scores, criterion(candidates)), word
        assert criterion.__doc__
    assert all(torch.equal(tensor, before[name]) for name, tensor in candidates.trained.items())


def test_a_filter_scores_by_its_kept_entries(plain: Subject) -> None:
    """Hidden unit j of the second layer reads the 15 units of the first that are left."""
    candidates = candidates_of(plain, removed=(3,))
    rows = candidates.trained["fc2.weight"][:, torch.arange(16) != 3].double()
    own = slice(16, 28)
    assert torch.allclose(CHANNEL_CRITERIA["l1"](candidates)[own], rows.abs().mean(1))
    assert torch.allclose(CHANNEL_CRITERIA["l2"](candidates)[own], rows.square().mean(1).sqrt())


def test_a_channel_around_a_shortcut_is_scored_over_every_layer_that_makes_it(residual: Subject) -> None:
    candidates, axes = candidates_of(residual), candidates_of(residual).channels.axes
    number = int(axes["conv1.weight", 0][5])
    filters = [
        candidates.trained[name][row].reshape(-1).double()
        for (name, axis), along in axes.items()
        for row in (along == number).nonzero()[:, 0].tolist()
        if name in candidates.within and axis == 0
    ]
    assert len(filters) == 1 + 3 * 3  # the first layer, and the last one of three blocks in three stages
    assert torch.allclose(CHANNEL_CRITERIA["l1"](candidates)[number], torch.cat(filters).abs().mean())


def test_scales_of_norms_are_averaged(residual: Subject) -> None:
    candidates = candidates_of(residual)
    number = int(candidates.channels.axes["layer1.0.bn1.weight", 0][2])
    assert CHANNEL_CRITERIA["norm_scale"](candidates)[number] == candidates.trained["layer1.0.bn1.weight"][2].double()


@pytest.mark.parametrize(("architecture", "module"), [("plain", "fc1"), ("residual", "layer1.0.bn1")])
def test_taylor_is_the_squared_slope_against_a_gate(
    architecture: str, module: str, request: pytest.FixtureRequest
) -> None:
    """With a norm the filter adds nothing, for the norm undoes its size; scale and shift do."""
    subject: Subject = request.getfixturevalue(architecture)
    candidates = candidates_of(subject)
    network = placed(subject.module, candidates.trained, device="cpu").train()
    along = candidates.channels.axes[f"{module}.weight", 0]
    gate = torch.ones(len(along), requires_grad=True)

    def gated(_: nn.Module, __: Any, made: Tensor) -> Tensor:
        return made * gate.reshape(-1, *([1] * (made.dim() - 2)))

    network.get_submodule(module).register_forward_hook(gated)
    (slope,) = torch.autograd.grad(loss_of(subject, network), [gate])
    scores = CHANNEL_CRITERIA["taylor"](candidates)[along]
    assert torch.allclose(scores, slope.double().square(), rtol=1e-3, atol=1e-12)
    assert scores.max() > 0


def test_random_is_another_draw_for_another_seed(plain: Subject) -> None:
    candidates = candidates_of(plain)
    drawn = CHANNEL_CRITERIA["random"]
    assert torch.equal(drawn(candidates), drawn(candidates))
    assert not torch.equal(drawn(candidates), drawn(replace(candidates, seed=1)))
