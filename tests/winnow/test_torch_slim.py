"""winnow.torch.load_slim: a user's own module becomes as narrow as a slim ticket, or is refused and unchanged."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import arguments_for, inventory
from ticketing.channels import channels_of
from ticketing.channels.slimming import slim_module, slim_state
from ticketing.errors import VerificationError
from ticketing.export.slim import write_slim
from ticketing.export.weights import compact
from ticketing.folder import ModelSpec
from ticketing.models import build
from ticketing.slim import Heads, Pad, Sizes, Slim, Taken
from ticketing.subject import initialise, placed
from winnow.torch import load_slim

Kept = Mapping[str, Mapping[int, list[int]]]


class Shortcut(nn.Module):
    """Every second pixel, between channels of zeros."""

    def __init__(self, missing: int) -> None:
        super().__init__()
        self.before = missing // 2
        self.behind = missing - self.before

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x[..., ::2, ::2], (0, 0, 0, 0, self.before, self.behind))


class Block(nn.Module):
    """A residual block as a user writes it, who kept the number of its channels for no use."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.planes = out
        self.conv1 = nn.Conv2d(into, out, 3, 1 if into == out else 2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None if into == out else Shortcut(out - into)

    def forward(self, x: Tensor) -> Tensor:
        carried = x if self.downsample is None else self.downsample(x)
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + carried)


class Residual(nn.Module):
    """A user's own network with the keys of resnet-20."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        for number, (into, out) in enumerate([(16, 16), (16, 32), (32, 64)], start=1):
            self.add_module(f"layer{number}", nn.Sequential(Block(into, out), Block(out, out), Block(out, out)))
        self.fc = nn.Linear(64, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        for number in (1, 2, 3):
            x = self.get_submodule(f"layer{number}")(x)
        made: Tensor = self.fc(x.mean((2, 3)))
        return made


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    """The slim ticket of a resnet-20 with about half of its channels, and the library's slim module."""
    listed = inventory("resnet-20", arguments_for("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3}))
    module = build(ModelSpec(architecture="resnet-20", arguments=listed.arguments))
    channels = channels_of(module, listed)
    kept = torch.rand(channels.count, generator=torch.Generator().manual_seed(0)) < 0.5
    state, folder = slim_state(initialise(listed, 0), channels, kept), tmp_path_factory.mktemp("resnet")
    write_slim(folder, state, channels, kept, inventory=listed, about={})
    return folder, placed(slim_module(module, channels, kept), state, device="cpu").eval()


def test_a_users_own_network_computes_what_the_slim_one_does(resnet: tuple[Path, nn.Module]) -> None:
    folder, slim = resnet
    own = Residual().to(memory_format=torch.channels_last).eval()
    own.conv1.weight.requires_grad_(False)
    load_slim(own, folder)
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(own(x), slim(x))
    trained = [name for name, parameter in own.named_parameters() if parameter.requires_grad]
    own.train()(x).sum().backward()
    assert [name for name, parameter in own.named_parameters() if parameter.grad is not None] == trained
    assert "conv1.weight" not in trained


def test_a_module_that_is_narrow_already_is_only_loaded(resnet: tuple[Path, nn.Module]) -> None:
    folder, _ = resnet
    own = Residual().double()
    load_slim(own, folder)
    parameters, state = dict(own.named_parameters()), {name: t.clone() for name, t in own.state_dict().items()}
    assert state["fc.weight"].dtype == torch.float64
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.zero_()
    load_slim(own, folder)
    assert all(parameter is parameters[name] for name, parameter in own.named_parameters())
    assert all(torch.equal(tensor, state[name]) for name, tensor in own.state_dict().items())


def save_slim(
    folder: Path, module: nn.Module, kept: Kept, *, heads: dict[str, Heads] | None = None, shrunk_pad: str | None = None
) -> None:
    """Write the slim ticket of a module by hand: what is kept of it, its heads, and a module that pads 2 of 4 less."""
    state, tensors = {}, {}
    for name, tensor in module.state_dict().items():
        tensors[name] = Taken(whole=list(tensor.shape), kept=dict(kept.get(name, {})))
        for axis, indices in tensors[name].kept.items():
            tensor = tensor.index_select(axis, torch.tensor(indices))
        state[name] = tensor.contiguous()
    pad = Sizes(whole=4, slim=2)
    slim = Slim(
        tensors=tensors,
        layers={},
        heads=heads or {},
        pads={} if shrunk_pad is None else {shrunk_pad: Pad(before=pad, behind=pad)},
        parameters=Sizes(
            whole=sum(tensor.numel() for tensor in module.parameters()),
            slim=sum(state[name].numel() for name, _ in module.named_parameters()),
        ),
        multiply_adds=Sizes(whole=1, slim=1),
    )
    layout = {
        "format": slim.format,
        "version": slim.version,
        "shapes": {name: taken.slim for name, taken in tensors.items()},
        "whole_shapes": {name: taken.whole for name, taken in tensors.items()},
    }
    save_file(state, folder / "slim.safetensors", {"winnow": compact(layout)})
    (folder / "slim.json").write_text(slim.model_dump_json())


class Attention(nn.Module):
    """Two heads of four, their number under the name that is given."""

    def __init__(self, **numbers: int) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)
        for name, number in numbers.items():
            setattr(self, name, number)


class Held(nn.Module):
    """A network of one part."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part


class Scale(nn.Module):
    """A layer of the user's own."""

    def __init__(self, **numbers: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        for name, number in numbers.items():
            setattr(self, name, number)


LAST_HEAD = [4, 5, 6, 7]
ATTENTION: Kept = {
    "part.qkv.weight": {0: [i + j for i in (0, 8, 16) for j in LAST_HEAD]},
    "part.qkv.bias": {0: [i + j for i in (0, 8, 16) for j in LAST_HEAD]},
    "part.out.weight": {1: LAST_HEAD},
}
HALF = [1, 2, 5, 7]
HEADS = {"part": Heads(whole=2, kept=[1])}


@pytest.mark.parametrize("name", ["heads", "num_heads", "n_head", "nhead"])
def test_the_number_of_heads_is_found_by_its_name(name: str, tmp_path: Path) -> None:
    module = Held(Attention(**{name: 2, "head_dim": 4}))
    save_slim(tmp_path, module, ATTENTION, heads=HEADS)
    load_slim(module, tmp_path)
    assert vars(module.part)[name] == 1
    assert vars(module.part)["head_dim"] == 4
    assert module.part.get_parameter("out.weight").shape == (8, 4)


def test_a_layer_of_the_users_own_becomes_narrower_if_it_holds_no_sizes(tmp_path: Path) -> None:
    module = Held(Scale(power=2))
    save_slim(tmp_path, module, {"part.scale": {0: HALF}})
    expected = module.part.get_parameter("scale")[HALF]
    load_slim(module, tmp_path)
    assert torch.equal(module.part.get_parameter("scale"), expected)


class Swapped(nn.Module):
    """Its keys are not the places of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

    def state_dict(self, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        state = super().state_dict(**options)
        return state | {"one.weight": state["two.weight"], "two.weight": state["one.weight"]}


ROWS: Kept = {"part.weight": {0: HALF}, "part.bias": {0: HALF}}


@pytest.mark.parametrize(
    ("make", "kept", "options", "why"),
    [
        (lambda: Held(nn.Conv2d(8, 8, 3, groups=2)), ROWS, {}, r"part \(Conv2d\) .* it is in 2 groups"),
        (lambda: Held(nn.ConvTranspose2d(4, 8, 3)), {"part.bias": {0: HALF}}, {}, "nothing is known of ConvTrans"),
        (lambda: Held(nn.GroupNorm(2, 8)), ROWS, {}, r"part \(GroupNorm\) .* nothing is known of GroupNorm"),
        (
            lambda: Held(nn.MultiheadAttention(8, 2)),
            {"part.in_proj_weight": {0: list(range(12))}, "part.out_proj.weight": {1: LAST_HEAD}},
            {"heads": HEADS},
            r"part \(MultiheadAttention\) .* nothing is known of MultiheadAttention",
        ),
        (lambda: Held(Scale(channels=8)), {"part.scale": {0: HALF}}, {}, r"part \(Scale\) .* {'channels': 8} may be"),
        (lambda: Held(Attention()), ATTENTION, {"heads": HEADS}, r"part \(Attention\): expected its 2 heads in one of"),
        (lambda: Held(Attention(heads=4)), ATTENTION, {"heads": HEADS}, "expected its 2 heads .* got {'heads': 4}"),
        (lambda: Held(Attention(heads=2, n_embd=8)), ATTENTION, {"heads": HEADS}, "{'n_embd': 8} may be a size"),
        (lambda: Held(Attention(heads=2, h=2)), ATTENTION, {"heads": HEADS}, "{'h': 2} may be a size"),
        (lambda: Held(nn.Linear(8, 8)), ROWS, {"shrunk_pad": "pad"}, "the module to have a part pad, got none"),
        (
            lambda: Held(nn.Linear(8, 8)),
            ROWS,
            {"shrunk_pad": "part"},
            r"part \(Linear\) pads channels: expected attributes {'before': 4, 'behind': 4}, got {'before': None",
        ),
        (Swapped, {"one.weight": {0: HALF}}, {}, "one.weight: expected an attribute of one that is it, got another"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_narrower_is_refused_by_name_and_unchanged(
    make: Callable[[], nn.Module], kept: Kept, options: dict[str, Any], why: str, tmp_path: Path
) -> None:
    module = make()
    save_slim(tmp_path, module, kept, **options)
    check_refused(module, tmp_path, why)


def check_refused(module: nn.Module, folder: Path, why: str) -> None:
    before = {name: (id(part), dict(vars(part))) for name, part in module.named_modules()}
    parameters = {name: (id(tensor), tensor.detach().clone()) for name, tensor in module.named_parameters()}
    with pytest.raises(VerificationError, match=why):
        load_slim(module, folder)
    assert {name: (id(part), dict(vars(part))) for name, part in module.named_modules()} == before
    for name, tensor in module.named_parameters():
        assert (id(tensor), True) == (parameters[name][0], torch.equal(tensor, parameters[name][1]))


def test_a_module_of_another_network_is_refused_and_unchanged(resnet: tuple[Path, nn.Module]) -> None:
    folder, _ = resnet
    check_refused(nn.Linear(8, 8), folder, r"same keys, but not \['bias', 'bn1\.bias'")
    wider = Residual()
    wider.fc = nn.Linear(64, 4)
    check_refused(wider, folder, r"fc\.weight: expected the whole network's \[3, 64\], got \[4, 64\]")


def test_a_shortcut_that_pads_by_numbers_of_its_own_is_refused(resnet: tuple[Path, nn.Module]) -> None:
    folder, _ = resnet
    own = Residual()
    shortcut = own.get_submodule("layer2.0.downsample")
    shortcut.behind = 7
    check_refused(own, folder, r"layer2\.0\.downsample \(Shortcut\) pads channels: .* got {'before': 8, 'behind': 7}")
