"""ticketing.actions: a level begins with what both actions say, and its controls with as much of it."""

from typing import Any

import pytest
import torch

from ticketing.actions import Actions, alike, begun, replaced, with_initial
from ticketing.actions.kept import KEPT
from ticketing.actions.pruned import PRUNED
from ticketing.mask import Mask
from ticketing.sparse import same_bits


@pytest.fixture(scope="module")
def subject(make_subject: Any) -> Any:
    return make_subject()


def some_mask(subject: Any, seed: int = 0, share: float = 0.4) -> Mask:
    generator = torch.Generator().manual_seed(seed)
    return Mask({name: torch.rand(shape, generator=generator) < share for name, shape in subject.shapes.items()})


def started(subject: Any, mask: Mask, word: str, *, keep_sign: bool = False, **place: Any) -> Any:
    where = {"seed": 0, "replicate": 0, "labels": ("ticket", "1")} | place
    return replaced(subject, subject.initial_state, mask, Actions(word, keep_sign), **where)


@pytest.mark.parametrize("word", KEPT)
def test_only_kept_entries_of_prunable_parameters_are_replaced(word: str, subject: Any) -> None:
    mask = some_mask(subject)
    state = started(subject, mask, word)
    for name, tensor in subject.initial_state.items():
        untouched = ~mask[name] if name in mask else torch.ones_like(tensor, dtype=torch.bool)
        assert torch.equal(state[name][untouched], tensor[untouched])


def test_rewind_replaces_nothing(subject: Any) -> None:
    assert started(subject, some_mask(subject), "rewind") is subject.initial_state


@pytest.mark.parametrize("word", ["reinit", "reshuffle", "reshuffle_all"])
def test_keep_sign_gives_the_initial_signs_and_leaves_the_sizes(word: str, subject: Any) -> None:
    mask = some_mask(subject)
    free, signed = started(subject, mask, word), started(subject, mask, word, keep_sign=True)
    assert not same_bits(dict(signed), dict(free))
    for name in mask:
        assert torch.equal(torch.sign(signed[name]), torch.sign(subject.initial_state[name]))
        assert torch.equal(signed[name].abs(), free[name].abs())


@pytest.mark.parametrize("word", ["reinit", "reshuffle", "reshuffle_all", "constant_random_sign"])
@pytest.mark.parametrize("place", [{"seed": 1}, {"replicate": 1}, {"labels": ("ticket", "2")}, {"labels": ("x", "1")}])
def test_every_seed_replicate_level_and_branch_has_its_own_draw(word: str, place: dict[str, Any], subject: Any) -> None:
    mask = some_mask(subject)
    assert same_bits(dict(started(subject, mask, word)), dict(started(subject, mask, word)))
    other = started(subject, mask, word, **place)
    assert not same_bits(dict(started(subject, mask, word)), dict(other))


def test_two_parameters_do_not_share_a_permutation(make_subject: Any) -> None:
    twins = make_subject(in_features=6, hidden=[6, 6], classes=2)
    same = twins.initial_state | {"fc1.weight": twins.initial_state["fc2.weight"]}
    state = replaced(
        twins, same, Mask.full(twins.shapes), Actions("reshuffle_all"), seed=0, replicate=0, labels=("ticket", "1")
    )
    assert not torch.equal(state["fc1.weight"], state["fc2.weight"])


@pytest.mark.parametrize("word", PRUNED)
def test_a_level_begins_at_its_initial_weights_or_at_zero(word: str, subject: Any) -> None:
    before, mask = Mask.full(subject.shapes), some_mask(subject)
    trained = {name: w + 0.1 * torch.randn(w.shape) for name, w in subject.initial_state.items()}
    initial = with_initial(
        word, before=before, mask=mask, initial_before=before, initial=subject.initial_state, trained=trained
    )
    state = begun(subject.initial_state, initial)
    for name, bits in initial.items():
        assert torch.equal(state[name], torch.where(bits, subject.initial_state[name], 0.0))


def test_what_is_held_has_no_negative_zero() -> None:
    state = begun({"a": torch.tensor([-0.0, -1.0, -0.0])}, Mask({"a": torch.tensor([True, True, False])}))
    assert [str(value) for value in state["a"].tolist()] == ["0.0", "-1.0", "0.0"]


def test_a_control_with_the_tickets_mask_begins_as_the_ticket_does(subject: Any) -> None:
    mask, initial = some_mask(subject), some_mask(subject, 1)
    assert alike(mask, ticket=mask, initial=initial, seed=0) is initial


@pytest.mark.parametrize("seed", range(3))
def test_a_control_has_as_many_held_and_as_many_kept_at_zero_in_every_layer(seed: int, subject: Any) -> None:
    ticket, initial = some_mask(subject), some_mask(subject, 1, 0.6)
    generator = torch.Generator().manual_seed(seed)
    control = Mask(
        {n: k.reshape(-1)[torch.randperm(k.numel(), generator=generator)].reshape(k.shape) for n, k in ticket.items()}
    )
    drawn = alike(control, ticket=ticket, initial=initial, seed=seed)
    for name, kept in control.items():
        for ours, theirs in ((kept, ticket[name]), (~kept, ~ticket[name])):
            assert int((drawn[name] & ours).sum()) == int((initial[name] & theirs).sum())
    assert drawn == alike(control, ticket=ticket, initial=initial, seed=seed)
