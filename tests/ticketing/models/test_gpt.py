"""ticketing.models.gpt: sees no token before its time, computes what GPT-2 does, one table where tied."""

import torch
from torch.nn import functional

from ticketing.architectures import arguments_for
from ticketing.folder import ModelSpec
from ticketing.models.attention import attend
from ticketing.subject import Subject, load_subject, placed

SMALL = {"vocabulary": 7, "context": 6, "width": 8, "depth": 2, "heads": 2}
TOKENS = torch.tensor([[0, 1, 2, 3, 4, 5], [6, 5, 4, 3, 2, 1]])


def subject(**arguments: object) -> Subject:
    filled = arguments_for("gpt", SMALL | arguments)
    return load_subject(ModelSpec(architecture="gpt", arguments=filled, seed=0))


def logits_by_hand(state: dict[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        scaled = (x - x.mean(2, keepdim=True)) / (x.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
        return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]

    x = state["transformer.wte.weight"][tokens] + state["transformer.wpe.weight"][: tokens.shape[1]]
    for block in ("transformer.h.0", "transformer.h.1"):
        seen = attend(linear(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn"), heads=2, causal=True)
        x = x + linear(seen, f"{block}.attn.c_proj")
        inner = functional.gelu(linear(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc"), approximate="tanh")
        x = x + linear(inner, f"{block}.mlp.c_proj")
    table = state.get("lm_head.weight", state["transformer.wte.weight"])
    return norm(x, "transformer.ln_f") @ table.T


def test_computes_what_gpt_2_does() -> None:
    for tied in (True, False):
        made = subject(tied=tied)
        state = {name: 10 * tensor.double() for name, tensor in made.initial_state.items()}
        network = placed(made.module, state, device="cpu").eval()
        assert torch.allclose(network(TOKENS), logits_by_hand(state, TOKENS))


def test_no_token_changes_what_is_said_before_it() -> None:
    made = subject()
    network = placed(made.module, made.initial_state, device="cpu").eval()
    changed = TOKENS.clone()
    changed[:, 4] = (changed[:, 4] + 1) % 7
    before, after = network(TOKENS), network(changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(2).any()


def test_a_tied_table_is_one_parameter_with_the_gradients_of_both_uses() -> None:
    made = subject()
    network = placed(made.module, made.initial_state, device="cpu")
    assert dict(network.named_parameters()).keys() == made.initial_state.keys()
    weight = network.transformer.wte.weight
    (gradient,) = torch.autograd.grad(
        functional.cross_entropy(network(TOKENS[:, :3]).flatten(0, 1), TOKENS[:, 1:4].flatten()), weight
    )
    # Token 0 begins a window and never is an answer: as an embedding alone it would have no share in the output.
    assert gradient.ne(0).any(1).all()
