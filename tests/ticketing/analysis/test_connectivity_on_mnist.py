"""LeNet-300-100 on MNIST is stable from its first update: two orders of the examples end in one basin."""

from pathlib import Path

import pytest

from ticketing.analysis.connectivity import STABLE_BARRIER, barrier
from ticketing.architectures import arguments_for
from ticketing.data.canonical import load_canonical
from ticketing.data.inspection import inspect_upload
from ticketing.data.preparation import prepare
from ticketing.folder import ModelSpec
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import resolve
from ticketing.subject import load_subject, redraw
from ticketing.training.loop import train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ASKED = {"search": "iterative", "levels": 1, "training": {"length": "600it", "evaluate_every": "600it"}}


def test_its_linear_mode_barrier_from_update_0_is_below_two_points(winnow_data: Path | None, tmp_path: Path) -> None:
    if winnow_data is None:
        pytest.skip("WINNOW_DATA names no folder with mnist.npz")
    (tmp_path / "data").mkdir()
    summary = inspect_upload(winnow_data / "mnist.npz", tmp_path / "data/data.safetensors", name="mnist")
    recipe = resolve(ASKED, architecture="lenet-300-100", uploaded=False, weights="initial", device_kind="cpu", seed=0)
    canonical = load_canonical(tmp_path / "data/data.safetensors")
    data = prepare(canonical, recipe=recipe, weights="initial", device="cpu", channels_last=False)
    arguments = arguments_for("lenet-300-100", {}, data_shape=summary.shape, classes=summary.classes)
    subject = load_subject(ModelSpec(architecture="lenet-300-100", arguments=arguments, seed=0))

    def trained(start: dict, order_seed: int) -> dict:  # type: ignore[type-arg]
        words = {"data": data, "training": recipe.training, "observer": RecordingObserver()}
        return train(subject.module, start, order_seed=order_seed, **words).final

    one, other = (trained(subject.initial_state, order_seed) for order_seed in (1, 2))
    assert barrier(subject.module, one, other, data=data, seed=0) < STABLE_BARRIER
    # From another initialisation it ends elsewhere: what was measured can be large.
    stranger = trained(redraw(subject, 1), 1)
    assert barrier(subject.module, one, stranger, data=data, seed=0) > 2 * STABLE_BARRIER
