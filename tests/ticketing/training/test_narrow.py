"""ticketing.training.narrow: training without the removed channels is training with them held at zero."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ticketing.channels import channels_of
from ticketing.channels.slimming import slim_state, without
from ticketing.data.dataset import Dataset
from ticketing.journal.where import Where
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe import Training
from ticketing.sparse import same_bits
from ticketing.subject import Subject
from ticketing.training.loop import train
from ticketing.training.narrow import Narrow

MakeSubject = Callable[..., Subject]
SGD = {"name": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 0.01}
RESNET = {"in_channels": 1, "input_size": [8, 8], "classes": 3}


def two_thirds(subject: Subject) -> Tensor:
    return torch.arange(channels_of(subject.module, subject.inventory).count) % 3 != 0


@pytest.mark.parametrize("architecture", ["mlp", "resnet-20"])
def test_a_narrow_training_is_one_with_the_removed_channels_held_at_zero(
    architecture: str,
    make_subject: MakeSubject,
    make_dataset: Callable[..., Dataset],
    make_training: Callable[..., Training],
) -> None:
    subject = make_subject() if architecture == "mlp" else make_subject(architecture, **RESNET)
    data = make_dataset() if architecture == "mlp" else make_dataset((1, 8, 8))
    channels, kept = channels_of(subject.module, subject.inventory), two_thirds(subject)
    narrow = Narrow(subject.module, channels, kept)
    start, words = narrow.begun(subject.initial_state), dict[str, Any](data=data, order_seed=1)
    # Three updates: sums in another order differ in the last bits, which norms and momentum carry on.
    words |= {"observer": RecordingObserver(), "training": make_training(optimizer=SGD), "last_step": 3}
    ours = train(narrow.module, narrow.as_trained(start), **words)
    # Every filter, bias, scale and shift of a removed channel is masked; what is learnt of it would be more.
    makes = without({name: torch.ones(tensor.shape) for name, tensor in start.items()}, channels, kept)
    parameters = {name for name, _ in subject.module.named_parameters()}
    held = Mask({name: ones > 0 for name, ones in makes.items() if name in parameters})
    whole = train(subject.module, start, mask=held, **words)
    assert ours.updates == whole.updates
    for name, tensor in slim_state(whole.final, channels, kept).items():
        assert torch.allclose(ours.final[name].float(), tensor.float(), rtol=1e-4, atol=1e-5), name
    assert not same_bits(ours.final, narrow.as_trained(start))


@pytest.mark.parametrize("updates", [1, 7, 19])
def test_a_bench_trains_it_and_goes_on_to_the_same_bits(make_bench: Any, tmp_path: Any, updates: int) -> None:
    where = Where.of_search(0, 1)

    def trained(bench: Any) -> Any:
        kept = two_thirds(bench.subject)
        full = Mask.full(bench.subject.shapes)
        return bench.train(where, bench.subject.initial_state, mask=full, order_seed=1, kept=kept)

    bench = make_bench(folder=tmp_path / "undisturbed")
    undisturbed, result = trained(bench)
    with pytest.raises(Stopped):
        trained(make_bench(observer=RecordingObserver(stop_after=updates - 1)))
    gone_on, _ = trained(make_bench())
    assert same_bits(gone_on.final, undisturbed.final)
    assert same_bits(gone_on.best, undisturbed.best)
    assert undisturbed.final.keys() == bench.subject.initial_state.keys()
    assert all(undisturbed.final[name].shape == tensor.shape for name, tensor in bench.subject.initial_state.items())
    zeroed = without(undisturbed.final, bench.channels, two_thirds(bench.subject))
    assert same_bits(zeroed, undisturbed.final)
    assert 0 < result.multiply_adds < bench.subject.inventory.multiply_adds
