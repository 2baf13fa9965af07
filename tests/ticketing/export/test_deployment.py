"""Graphs and measured gain of a finished run: files that read back, a report that says where the ticket is faster."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ticketing.errors import VerificationError
from ticketing.export.delivery import latency_of
from ticketing.export.listing import write_listing
from ticketing.export.sizes import sizes_of
from ticketing.folder import OUT, read_spec
from ticketing.observer import RecordingObserver, Stopped
from ticketing.plans.gain import WORTH_WHILE, measures_gain
from ticketing.recipe import EarlyBird, Iterative
from ticketing.runs.run import run
from ticketing.runs.verification import verify

LayOut = Callable[..., Path]
BIRD: dict[str, Any] = {
    "search": "early_bird",
    "window": 3,
    "threshold": 0.5,
    "training": {
        "length": "4ep",
        "batch_size": 30,
        "evaluate_every": "2ep",
        "optimizer": {"name": "sgd", "learning_rate": 0.05},
        "schedule": {"name": "constant"},
    },
    "evidence": "none",
    "outputs": ["slim", "model", "onnx", "pt2"],
    "gain": "always",
}


def done(folder: Path) -> Path:
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    return folder


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut) -> Path:
    words = {"evidence": "none", "outputs": ["model", "sparse", "onnx", "pt2"], "gain": "always"}
    return done(lay_out(tmp_path_factory.mktemp("sparse") / "run", **words))


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut, few_large_digits: Any) -> Path:
    words = {"architecture": "wide-resnet", "arguments": {"depth": 10, "width": 1}, "dataset": few_large_digits}
    return done(lay_out(tmp_path_factory.mktemp("slim") / "run", **words, **BIRD))


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return report


@pytest.mark.parametrize(("kind", "stem"), [("sparse", "model"), ("slim", "slim")])
def test_graphs_are_of_what_is_deployed_and_the_manifest_says_how_exact(
    kind: str, stem: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    verify(folder, read_spec(folder))
    files = {file["name"]: file for file in json.loads((folder / OUT / "manifest.json").read_bytes())["files"]}
    graphs = {name for name in files if name.endswith((".onnx", ".pt2"))}
    assert graphs == {f"{stem}.onnx", f"{stem}.pt2"}
    for name, file in files.items():
        if name in graphs:
            assert file["parity"]["examples"] == 32
            assert file["parity"]["largest_difference"] <= file["parity"]["tolerance"]
        else:
            assert "parity" not in file


@pytest.mark.parametrize(
    ("word", "said"), [("onnx", "the logits of the network"), ("pt2", "the weights of the network")]
)
def test_a_graph_of_other_weights_does_not_read_back(
    word: str, said: str, sparse: Path, tmp_path: Path, lay_out: LayOut
) -> None:
    other = done(lay_out(tmp_path / "other", evidence="none", outputs=["model", word], length="20it"))
    verify(other, read_spec(other))
    (other / OUT / f"model.{word}").write_bytes((sparse / OUT / f"model.{word}").read_bytes())
    write_listing(other / OUT)
    with pytest.raises(VerificationError, match=rf"model\.{word}: expected {said}"):
        verify(other, read_spec(other))


class Impatient(RecordingObserver):
    """Asks to stop once the run says that it exports."""

    def stop_requested(self) -> bool:
        return any(told["phase"] == "export" for told in self.of_type("phase"))


def test_a_run_that_is_stopped_while_it_measures_goes_on_without_a_training(
    tmp_path: Path, lay_out: LayOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "run", evidence="none", length="20it", gain="always")
    with pytest.raises(Stopped):
        run(folder, read_spec(folder), observer=Impatient(), clock=time.monotonic)
    monkeypatch.setattr("ticketing.journal.workbench.train", lambda *_, **__: pytest.fail("it trained"))
    assert report_of(done(folder))["gain"] is not None


@pytest.mark.parametrize(("kind", "networks"), [("sparse", ["dense", "masked"]), ("slim", ["dense", "masked", "slim"])])
def test_the_report_tells_time_and_memory_of_every_network(
    kind: str, networks: list[str], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    report = report_of(folder)
    gain = report["gain"]
    assert list(gain["networks"]) == networks
    timed = [(row["runtime"], row["batch_size"], row["network"]) for row in gain["latency"]]
    assert timed == [(r, b, n) for r in ("torch", "onnxruntime") for b in (1, 32) for n in networks]
    for row in gain["latency"]:
        assert row["n"] >= 21
        assert 0 < row["p50"] <= row["p95"]
        assert row["interval"][0] <= row["faster"] <= row["interval"][1]
    dense, masked = gain["networks"]["dense"], gain["networks"]["masked"]
    assert dense == masked
    if kind == "slim":
        own = gain["networks"]["slim"]
        assert own["multiply_adds"] == report["levels"][-1]["multiply_adds"] < dense["multiply_adds"]
        assert all(own["peak_bytes"][size] < dense["peak_bytes"][size] for size in ("1", "32"))
    page, card = ((folder / OUT / name).read_text() for name in ("report.html", "report.md"))
    for name in networks[1:]:
        for runtime in ("PyTorch", "ONNX Runtime"):
            assert f"{runtime} {gain['versions'][{'PyTorch': 'torch'}.get(runtime, 'onnxruntime')]}" in card
            assert f"the {name} network is" in page


def test_sizes_are_those_of_the_files_and_of_their_compressed_forms(sparse: Path) -> None:
    sizes, out = report_of(sparse)["sizes"], sparse / OUT
    plain = {name: size for name, size in sizes.items() if not name.endswith(".zst")}
    assert set(plain) == {"dense_weights", "model.safetensors", "sparse.safetensors", "model.onnx", "model.pt2"}
    assert all((out / name).stat().st_size == size for name, size in plain.items() if name != "dense_weights")
    assert set(sizes) == set(plain) | {f"{name}.zst" for name in plain}
    assert sizes["model.safetensors.zst"] < 0.9 * sizes["model.safetensors"]  # a third of it is zeros
    assert sizes == sizes_of(out, {}) | {name: sizes[name] for name in ("dense_weights", "dense_weights.zst")}


@pytest.mark.parametrize(
    ("word", "flops", "measures"),
    [
        ("auto", WORTH_WHILE - 1, False),
        ("auto", WORTH_WHILE, True),
        ("always", 0, True),
        ("never", 10 * WORTH_WHILE, False),
    ],
)
def test_a_gain_is_measured_where_it_was_asked_for_or_costs_little_beside_the_rest(
    word: str, flops: int, measures: bool
) -> None:
    for recipe in (Iterative(search="iterative", gain=word), EarlyBird(search="early_bird", gain=word)):
        assert measures_gain(recipe, training_flops=flops) is measures


def test_where_nothing_was_measured_nothing_is_claimed(tmp_path: Path, lay_out: LayOut) -> None:
    folder = done(lay_out(tmp_path / "run", evidence="none", length="20it"))
    assert report_of(folder)["gain"] is None
    assert "No speed was measured and none is claimed" in (folder / OUT / "report.md").read_text()


def test_the_summary_has_the_latency_of_what_is_delivered(slim: Path) -> None:
    gain = report_of(slim)["gain"]
    (own,) = [
        row["p50"]
        for row in gain["latency"]
        if (row["runtime"], row["batch_size"], row["network"]) == ("onnxruntime", 1, "slim")
    ]
    assert latency_of(gain) == own
    assert latency_of(None) is None
    assert latency_of(gain | {"latency": gain["latency"][:6]}) is None  # of a worker without ONNX Runtime
