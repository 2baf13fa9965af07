"""Small real networks, datasets and run folders that every test of the engine can train in milliseconds."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from ticketing.architectures import ARCHITECTURES, arguments_for
from ticketing.channels import channels_of
from ticketing.channels.sets import sets_of
from ticketing.data.builtin import builtin_arrays
from ticketing.data.canonical import Summary
from ticketing.data.dataset import Dataset
from ticketing.data.inspection import inspect_builtin, inspect_upload
from ticketing.folder import DATA, MODEL, RECIPE, RUN, DataSpec, Execution, ModelSpec, RunSpec, read_spec
from ticketing.journal.invariants import Invariants
from ticketing.journal.journal import open_journal
from ticketing.journal.workbench import Bench, Workbench
from ticketing.observer import RecordingObserver
from ticketing.plans.early_bird import plan_early_bird
from ticketing.plans.iterative import plan
from ticketing.plans.parsing import resolve
from ticketing.recipe import Iterative, Training
from ticketing.recipe.early_bird import EarlyBird
from ticketing.runs.run import run
from ticketing.subject import Subject, load_subject
from ticketing.training import lean

MakeSubject = Callable[..., Subject]
TinyArguments = Callable[[str], dict[str, Any]]
MakeDataset = Callable[..., Dataset]
MakeTraining = Callable[..., Training]
MakeBench = Callable[..., Workbench]
MakeBirdBench = Callable[..., Bench[EarlyBird]]
MakeFolder = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def _wide_vectors() -> Iterator[None]:
    """Leave out what is pruned at the density of a host with wide vectors: the tests say the same on every one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lean, "DENSITY", lean.density("AVX512"))
        yield


@pytest.fixture(scope="session")
def make_subject() -> MakeSubject:
    """Make a network; left alone, a perceptron of 8 inputs, 16 and 12 hidden units and 3 classes."""

    def make(architecture: str = "mlp", *, seed: int = 0, **arguments: Any) -> Subject:
        given = arguments or {"in_features": 8, "hidden": [16, 12], "classes": 3}
        return load_subject(
            ModelSpec(architecture=architecture, arguments=arguments_for(architecture, given), seed=seed)
        )

    return make


@pytest.fixture(scope="session")
def tiny_arguments() -> TinyArguments:
    """Give arguments of a small form of an architecture: the smallest image its schema allows, few layers."""

    def give(architecture: str) -> dict[str, Any]:
        if ARCHITECTURES[architecture].task == "next_token":
            return {"vocabulary": 3, "context": 4, "width": 8, "depth": 1, "heads": 2}
        side = ARCHITECTURES[architecture].arguments.model_json_schema()["properties"]["input_size"]
        least = side.get("items", {}).get("minimum", 2)
        smaller = {"depth": 10, "width": 1} if architecture == "wide-resnet" else {}
        return {"in_channels": 1, "input_size": [least, least], "classes": 3, **smaller}

    return give


@pytest.fixture(scope="session")
def make_dataset() -> MakeDataset:
    """Make blobs that overlap: learnable, never perfectly."""

    def make(
        shape: tuple[int, ...] = (8,), *, classes: int = 3, train: int = 90, held_out: int = 60, bf16: bool = False
    ) -> Dataset:
        generator = torch.Generator().manual_seed(0)
        y = torch.arange(train + 2 * held_out) % classes
        centres = torch.randn(classes, *shape, generator=generator)
        x = centres[y] + torch.randn(len(y), *shape, generator=generator)
        if len(shape) == 3:
            x = x.contiguous(memory_format=torch.channels_last)
        x = x.to(torch.bfloat16) if bf16 else x
        parts = [slice(0, train), slice(train, train + held_out), slice(train + held_out, None)]
        splits = [axis[part] for part in parts for axis in (x, y)]
        return Dataset(*splits, classes=classes, name="blobs", fingerprint="blobs")

    return make


@pytest.fixture(scope="session")
def make_training() -> MakeTraining:
    """Make settings of a training; left alone, 20 updates of Adam, batches of 10, evaluated each 5."""

    def make(**fields: Any) -> Training:
        small = {"length": "20it", "batch_size": 10, "evaluate_every": "5it", "optimizer": {"name": "adam"}}
        return Training.model_validate(small | fields)

    return make


@pytest.fixture
def make_bench(
    tmp_path: Path, make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> MakeBench:
    """Make all that a search needs, small: two levels, 20 updates each; words of the recipe replace the defaults."""

    def make(
        *,
        subject: Subject | None = None,
        data: Dataset | None = None,
        observer: RecordingObserver | None = None,
        checkpoint_seconds: float = 1e9,
        clock: Callable[[], float] | None = None,
        folder: Path = tmp_path / "checkpoint",
        **words: Any,
    ) -> Workbench:
        recipe = Iterative.model_validate({"search": "iterative", "levels": 2, "training": make_training()} | words)
        subject, data = subject or make_subject(), data or make_dataset()
        journal = open_journal(folder, run_digest=recipe.model_dump_json(), execution_key={"threads": 1})
        sets = None
        if recipe.removes_channels:
            sets = sets_of(channels_of(subject.module, subject.inventory))
        planned = plan(subject.inventory, recipe, train=len(data.y_train), test=len(data.y_test), sets=sets)
        return Workbench(
            subject=subject,
            data=data,
            recipe=recipe,
            journal=journal,
            observer=observer or RecordingObserver(),
            invariants=Invariants(),
            clock=clock or iter(range(1_000_000)).__next__,
            checkpoint_seconds=checkpoint_seconds,
            plan=planned,
        )

    return make


@pytest.fixture
def make_bird_bench(tmp_path: Path, make_subject: MakeSubject, make_dataset: MakeDataset) -> MakeBirdBench:
    """Make all that an early-bird search needs, small: ten epochs of three updates, a window of three masks.

    With `attends` of a vision transformer of two blocks of four heads and 64 units.
    """
    optimizer = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.001}
    training = {"length": "10ep", "batch_size": 30, "evaluate_every": "5ep", "optimizer": optimizer}

    def make(
        *,
        observer: RecordingObserver | None = None,
        folder: str = "checkpoint",
        attends: bool = False,
        **words: Any,
    ) -> Bench[EarlyBird]:
        small = {"search": "early_bird", "training": training, "window": 3, "threshold": 0.2, "l1": 0.01}
        recipe = EarlyBird.model_validate(small | words)
        images = {"in_channels": 1, "input_size": [8, 8], "classes": 3}
        if attends:
            subject = make_subject("vit-tiny", patch=4, width=16, depth=2, heads=4, **images)
        else:
            subject = make_subject("wide-resnet", depth=10, width=1, **images)
        data = make_dataset((1, 8, 8))
        return Bench(
            subject=subject,
            data=data,
            recipe=recipe,
            journal=open_journal(tmp_path / folder, run_digest=recipe.model_dump_json(), execution_key={"threads": 1}),
            observer=observer or RecordingObserver(),
            invariants=Invariants(),
            clock=lambda: 0.0,
            checkpoint_seconds=1e9,
            plan=plan_early_bird(subject.inventory, recipe, train=len(data.y_train), test=len(data.y_test)),
        )

    return make


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """The builtin digits in canonical form: real data that needs no download."""
    path = tmp_path_factory.mktemp("digits") / "data.safetensors"
    return path, inspect_builtin("builtin:digits", path)


@pytest.fixture(scope="session")
def few_large_digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """One digit in twelve at twice its size, for networks that are slow or whose pools take more than 8x8 pixels."""
    folder = tmp_path_factory.mktemp("few_large_digits")
    arrays = {
        name: array[::12].repeat(2, axis=-1).repeat(2, axis=-2) if name.startswith("x") else array[::12]
        for name, array in builtin_arrays("builtin:digits").items()
    }
    np.savez(folder / "digits.npz", **arrays)  # type: ignore[arg-type]
    return folder / "data.safetensors", inspect_upload(folder / "digits.npz", folder / "data.safetensors", name="few")


@pytest.fixture(scope="session")
def lay_out(digits: tuple[Path, Summary]) -> MakeFolder:
    """Lay out the folder of a run on digits; a small perceptron, two levels of 60 updates unless words say other."""

    def make(
        folder: Path,
        *,
        architecture: str = "mlp",
        arguments: dict[str, Any] | None = None,
        model: Path | None = None,
        weights: Literal["initial", "trained"] = "initial",
        checkpoint_seconds: float = 300.0,
        length: str = "60it",
        dataset: tuple[Path, Summary] = digits,
        **words: Any,
    ) -> Path:
        data, summary = dataset
        for part in ("model", "data", "checkpoint", "tmp", "out"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / DATA).symlink_to(data)
        if model is not None:
            shutil.copyfile(model, folder / MODEL)
        chosen = {"hidden": [32]} if architecture == "mlp" and arguments is None else arguments or {}
        given = arguments_for(
            architecture, chosen, data_shape=summary.shape, classes=summary.classes, task=summary.task
        )
        small = {} if "search" in words else {"search": "iterative", "levels": 2}
        asked = small | {"training": {"length": length, "evaluate_every": "20it"}} | words
        recipe = resolve(
            asked, architecture=architecture, uploaded=model is not None, weights=weights, device_kind="cpu", seed=0
        )
        spec = RunSpec(
            model=ModelSpec(
                architecture=architecture, arguments=given, seed=None if model is not None else 0, weights=weights
            ),
            data=DataSpec(name=summary.name, fingerprint=summary.fingerprint),
            execution=Execution(checkpoint_seconds=checkpoint_seconds),
            labels={"name": "small"},
        )
        (folder / RECIPE).write_text(recipe.model_dump_json())
        (folder / RUN).write_text(spec.model_dump_json())
        return folder

    return make


@pytest.fixture
def make_folder(tmp_path: Path, lay_out: MakeFolder) -> MakeFolder:
    """Lay out the folder of a run as `lay_out` does, by name in the test's own folder."""
    return lambda name="run", **words: lay_out(tmp_path / name, **words)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory, lay_out: MakeFolder) -> tuple[Path, RecordingObserver]:
    folder, observer = tmp_path_factory.mktemp("finished") / "run", RecordingObserver()
    lay_out(
        folder,
        levels=3,
        rate={"default": 0.5, "output": 0.2},
        keep_levels="models",
        evidence={"replicates": 3, "controls": ["reinit", "shuffle"], "levels": "all"},
    )
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    return folder, observer


@pytest.fixture
def finished(tmp_path: Path, _finished: tuple[Path, RecordingObserver]) -> Path:
    """Give a copy of the folder of a run that is done: three levels, both controls, all levels judged."""
    return Path(shutil.copytree(_finished[0], tmp_path / "finished", symlinks=True))


@pytest.fixture
def said(_finished: tuple[Path, RecordingObserver]) -> RecordingObserver:
    """Give what the run of `finished` said."""
    return _finished[1]
