"""ticketing.journal.findings: what a search keeps comes back, and costs no more than what is left of it."""

from typing import Any

import pytest
import torch

from ticketing.actions import Actions
from ticketing.journal.findings import Findings
from ticketing.journal.journal import Journal, open_journal
from ticketing.journal.where import Where
from ticketing.mask import Mask
from ticketing.sparse import same_bits
from ticketing.training.rewinding import Restart

FROM_START = Restart(first_step=0, from_trained=False, fine_tune=False)
FROM_STEP = Restart(first_step=5, from_trained=False, fine_tune=False)
FROM_TRAINED = Restart(first_step=0, from_trained=True, fine_tune=False)


@pytest.fixture
def journal(tmp_path: Any) -> Journal:
    return open_journal(tmp_path, run_digest="run", execution_key={})


@pytest.fixture
def subject(make_subject: Any) -> Any:
    return make_subject()


def some_mask(subject: Any) -> Mask:
    generator = torch.Generator().manual_seed(0)
    return Mask({name: torch.rand(shape, generator=generator) < 0.3 for name, shape in subject.shapes.items()})


def reopened(journal: Journal, subject: Any, restart: Restart) -> Findings:
    """Read from the checkpoint, as the next attempt would."""
    journal.save(Where(0, "search", "dense", 0))
    again = open_journal(journal.folder, run_digest="run", execution_key={})
    return Findings(again, subject, restart=restart, seed=0)


def test_level_0_keeps_everything(journal: Journal, subject: Any) -> None:
    mask = Findings(journal, subject, restart=FROM_START, seed=0).mask(0, 0)
    assert mask == Mask.full(subject.shapes)


def test_a_mask_comes_back_out_of_one_tensor(journal: Journal, subject: Any) -> None:
    found, mask = Findings(journal, subject, restart=FROM_START, seed=0), some_mask(subject)
    found.keep_mask(1, 2, mask)
    assert len(journal.tensors["mask/1/2"]) == 1
    assert reopened(journal, subject, FROM_START).mask(1, 2) == mask


def test_from_the_start_every_level_has_the_initial_weights(journal: Journal, subject: Any) -> None:
    found = Findings(journal, subject, restart=FROM_START, seed=0)
    assert found.rewind_point(0, 3) is subject.initial_state


def test_from_a_step_every_level_has_the_dense_runs_weights(journal: Journal, subject: Any) -> None:
    found = Findings(journal, subject, restart=FROM_STEP, seed=0)
    point = {name: tensor + 1 for name, tensor in subject.initial_state.items()}
    found.keep_point(0, point)
    assert same_bits(reopened(journal, subject, FROM_STEP).rewind_point(0, 3), point)
    assert found.rewind_point(0, 0) is subject.initial_state


def test_from_trained_weights_a_level_has_those_of_the_level_before(journal: Journal, subject: Any) -> None:
    found, mask = Findings(journal, subject, restart=FROM_TRAINED, seed=0), some_mask(subject)
    before = mask.applied_to(subject.initial_state)
    found.keep_mask(0, 1, mask)
    found.keep_latest(0, before)
    assert found.rewind_point(0, 2) is found.latest(0)
    found.keep_restart(0, 2)
    found.keep_latest(0, None)
    assert same_bits(dict(reopened(journal, subject, FROM_TRAINED).rewind_point(0, 2)), dict(before))


def test_a_kept_state_takes_the_room_of_what_is_left(journal: Journal, subject: Any) -> None:
    found, mask = Findings(journal, subject, restart=FROM_START, seed=0), some_mask(subject)
    found.keep_mask(0, 1, mask)
    found.keep_trained(0, 1, mask.applied_to(subject.initial_state))
    values = sum(t.numel() for name, t in journal.tensors["trained/0/1"].items() if name.endswith(".values"))
    assert values == mask.kept_count
    assert same_bits(dict(found.trained(0, 1)), mask.applied_to(subject.initial_state))


def holding(journal: Journal, subject: Any, **words: Any) -> Findings:
    actions = Actions(**{"pruned": "freeze_if_growing"} | words)
    return Findings(journal, subject, restart=FROM_START, seed=0, actions=actions)


def test_without_actions_a_level_starts_at_its_rewind_point(journal: Journal, subject: Any) -> None:
    found = Findings(journal, subject, restart=FROM_START, seed=0)
    found.keep_mask(0, 1, some_mask(subject))
    assert found.start(0, 1) is found.rewind_point(0, 1)
    assert found.untrained(0, 1) is subject.initial_state
    assert found.carrying(0, 1) == found.initial_of(0, 1) == found.mask(0, 1)


def test_what_removed_entries_hold_comes_back(journal: Journal, subject: Any) -> None:
    found, mask = holding(journal, subject), some_mask(subject)
    initial = Mask(
        {name: kept | (torch.arange(kept.numel()).reshape(kept.shape) % 3 == 0) for name, kept in mask.items()}
    )
    found.keep_mask(0, 1, mask)
    found.keep_initial_of(0, 1, initial)
    for again in (found, holding(journal, subject)):
        assert again.initial_of(0, 1) == again.carrying(0, 1) == initial
        for name, bits in initial.items():
            assert torch.equal(again.start(0, 1)[name], subject.initial_state[name] * bits)
    assert found.initial_of(0, 0) == Mask.full(subject.shapes)
    assert same_bits(dict(found.start(0, 0)), dict(subject.initial_state))


def test_a_trained_state_is_kept_whole_where_removed_entries_hold(journal: Journal, subject: Any) -> None:
    found = holding(journal, subject)
    found.keep_mask(0, 1, some_mask(subject))
    found.keep_trained(0, 1, subject.initial_state)
    assert same_bits(dict(found.trained(0, 1)), dict(subject.initial_state))


def test_another_kept_action_starts_elsewhere_and_the_same_again(journal: Journal, subject: Any) -> None:
    found = holding(journal, subject, kept="reinit", pruned="zero")
    found.keep_mask(0, 1, some_mask(subject))
    assert same_bits(dict(found.start(0, 1)), dict(found.untrained(0, 1)))
    assert not same_bits(dict(found.start(0, 1)), dict(subject.initial_state))
    again = holding(journal, subject, kept="reinit", pruned="zero")
    assert same_bits(dict(again.start(0, 1)), dict(found.start(0, 1)))


def test_ineligible_entries_are_counted_where_there_are_classes(journal: Journal, subject: Any) -> None:
    found = Findings(journal, subject, restart=FROM_START, seed=0)
    assert found.ineligible_kept(0, 1) is None
    found.keep_ineligible(0, 1, 7)
    assert found.ineligible_kept(0, 1) == 7
