"""ticketing.models.vit: computes what its paper says, with the parameters of PyTorch's own layers."""

import torch
from torch import nn
from torch.nn import functional

from ticketing.architectures import arguments_for
from ticketing.folder import ModelSpec
from ticketing.models.attention import attend
from ticketing.models.vit import EncoderLayer, SelfAttention, VisionTransformer
from ticketing.subject import load_subject, placed


def drawn(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return module.double().eval()


def test_attention_is_a_softmax_over_scaled_products() -> None:
    generator = torch.Generator().manual_seed(0)
    projected = torch.randn(2, 5, 3 * 6, generator=generator, dtype=torch.float64)
    queries, keys, values = projected.split(6, dim=2)
    for causal in (False, True):
        seen = torch.ones(5, 5).tril().log() if causal else torch.zeros(5, 5)
        heads = [slice(0, 3), slice(3, 6)]
        scores = [queries[..., h] @ keys[..., h].transpose(1, 2) / 3**0.5 + seen for h in heads]
        expected = torch.cat([s.softmax(2) @ values[..., h] for s, h in zip(scores, heads, strict=True)], dim=2)
        assert torch.allclose(attend(projected, heads=2, causal=causal), expected)


def test_attention_takes_the_weights_of_pytorchs_own() -> None:
    ours, theirs = drawn(SelfAttention(6, 2)), nn.MultiheadAttention(6, 2, batch_first=True).double().eval()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    x = torch.randn(2, 5, 6, dtype=torch.float64)
    assert torch.allclose(ours(x), theirs(x, x, x)[0])


def test_a_block_is_pytorchs_encoder_layer_with_the_norms_first() -> None:
    ours = drawn(EncoderLayer(6, 2))
    theirs = nn.TransformerEncoderLayer(
        6, 2, 24, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    ).double()
    names = {"ln_1": "norm1", "self_attention": "self_attn", "ln_2": "norm2", "mlp.0": "linear1", "mlp.3": "linear2"}
    state = {}
    for key, value in ours.state_dict().items():
        ours_name = next(name for name in names if key.startswith(name))
        state[key.replace(ours_name, names[ours_name])] = value
    theirs.eval().load_state_dict(state, strict=True)
    x = torch.randn(3, 5, 6, dtype=torch.float64)
    assert torch.allclose(ours(x), theirs(x))


def test_the_whole_is_patches_a_class_token_positions_blocks_and_a_linear_layer() -> None:
    sizes = {"in_channels": 2, "patch": 2, "patches": 6, "width": 4, "depth": 1, "heads": 2, "classes": 3}
    network = drawn(VisionTransformer(**sizes))
    x = torch.randn(1, 2, 4, 6, dtype=torch.float64)
    patches = [x[:, :, i : i + 2, j : j + 2].reshape(1, -1) for i in (0, 2) for j in (0, 2, 4)]
    flat = network.conv_proj.weight.reshape(4, -1)
    tokens = torch.stack([functional.linear(p, flat, network.conv_proj.bias) for p in patches], dim=1)
    tokens = torch.cat([network.class_token, tokens], dim=1) + network.encoder.pos_embedding
    first = network.encoder.ln(network.encoder.layers.encoder_layer_0(tokens))[:, 0]
    expected = functional.linear(first, network.heads.head.weight, network.heads.head.bias)
    assert torch.allclose(network(x), expected)


def test_channels_last_changes_nothing_but_the_last_bits() -> None:
    arguments = arguments_for("vit-tiny", {"in_channels": 3, "input_size": [8, 8], "width": 12, "depth": 2})
    subject = load_subject(ModelSpec(architecture="vit-tiny", arguments=arguments, seed=0))
    network = placed(subject.module, subject.initial_state, device="cpu").eval()
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(network(x), network(x.contiguous(memory_format=torch.channels_last)), atol=1e-5)
