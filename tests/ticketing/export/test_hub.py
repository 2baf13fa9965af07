"""ticketing.export.hub: a folder for the Hub whose weights are the ticket's and whose figures are the report's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file
from torch import nn

from tests.ticketing.runs.folders import changed, ran, report_of, verified
from ticketing.errors import VerificationError
from ticketing.export.listing import check_listing, write_listing
from ticketing.export.slim import read_slim
from ticketing.folder import OUT, RECIPE, ModelSpec
from ticketing.models import build
from ticketing.report.hub_card import hub_card
from ticketing.sparse import same_bits
from winnow.torch import load_slim

LayOut = Callable[..., Path]
SMALL: dict[str, Any] = {
    "levels": 1,
    "evidence": "none",
    "training": {"length": "6it", "evaluate_every": "3it", "optimizer": {"name": "adam"}},
}


def done(folder: Path) -> Path:
    ran(folder)
    verified(folder)
    return folder


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut) -> Path:
    asked = {"search": "iterative", "outputs": ["model", "hf"], **SMALL}
    return done(lay_out(tmp_path_factory.mktemp("sparse") / "run", **asked))


@pytest.fixture(scope="module")
def slim(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut) -> Path:
    asked = {"search": "iterative", "structure": "channel", "outputs": ["hf"], **SMALL}
    return done(lay_out(tmp_path_factory.mktemp("slim") / "run", **asked))


def metadata_of(text: str) -> dict[str, Any]:
    head, _, _ = text.removeprefix("---\n").partition("\n---\n")
    read: dict[str, Any] = yaml.safe_load(head)
    return read


def built(config: dict[str, Any]) -> nn.Module:
    """Build the network that a configuration names."""
    return build(ModelSpec(architecture=config["architectures"][0], arguments=config["arguments"]))


def test_the_weights_are_the_models_and_the_card_has_the_reports_figures(sparse: Path) -> None:
    out = sparse / OUT
    assert {"hf/model.safetensors", "hf/config.json", "hf/README.md"} <= set(check_listing(out))
    assert (out / "hf/model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
    report, text = report_of(sparse), (out / "hf/README.md").read_text()
    metadata = metadata_of(text)
    (result,) = metadata["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "value": report["search"]["delivered"]["test"]["accuracy"]}]
    assert result["dataset"] == {"type": "digits", "name": "digits", "split": "test"}
    assert (metadata["pipeline_tag"], "sparse" in metadata["tags"]) == ("image-classification", True)
    assert "license" not in metadata
    assert text.endswith((out / "report.md").read_text())
    config = json.loads((out / "hf/config.json").read_bytes())
    assert (config["architectures"], config["num_labels"], config["input_shape"]) == (["mlp"], 10, [1, 8, 8])
    network = built(config)
    assert network.state_dict().keys() == load_file(out / "hf/model.safetensors").keys()


def test_where_channels_are_gone_it_holds_the_slim_network_alone(slim: Path) -> None:
    folder = slim / OUT / "hf"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "slim.json",
        "slim.safetensors",
    ]
    assert "structured-pruning" in metadata_of((folder / "README.md").read_text())["tags"]
    config = json.loads((folder / "config.json").read_bytes())
    module = built(config).to_empty(device="cpu")
    load_slim(module, folder)
    assert same_bits(module.state_dict(), read_slim(folder)[0])


@pytest.mark.parametrize(
    "name", ["a\n---\nlicense: mit\n---\n", '"', "# x", "[a](javascript:b)", "\u2028---", "{}", "a: b", "null"]
)
def test_no_name_gets_out_of_the_metadata(sparse: Path, name: str) -> None:
    report = report_of(sparse)
    report["job"]["name"] = report["dataset"]["name"] = name
    metadata = metadata_of(hub_card(report))
    assert metadata.keys() == {"pipeline_tag", "tags", "metrics", "model-index"}
    assert metadata["model-index"][0]["name"] == metadata["model-index"][0]["results"][0]["dataset"]["name"] == name


@pytest.mark.parametrize(
    ("task", "shape", "named"),
    [
        ("classification", [3, 32, 32], "image-classification"),
        ("classification", [13], "tabular-classification"),
        ("next_token", [64], "text-generation"),
    ],
)
def test_tasks_have_the_names_of_the_hub(sparse: Path, task: str, shape: list[int], named: str) -> None:
    report = report_of(sparse)
    report["dataset"] |= {"task": task, "shape": shape}
    assert metadata_of(hub_card(report))["pipeline_tag"] == named


@pytest.mark.parametrize(
    ("kind", "file", "message"),
    [
        ("sparse", "hf/README.md", "hf/README.md"),
        ("sparse", "hf/config.json", "hf/config.json"),
        ("sparse", "hf/model.safetensors", "the state the run ended with"),
        ("slim", "hf/slim.safetensors", "slim network"),
        ("slim", "hf/config.json", "hf/config.json"),
    ],
)
def test_a_folder_that_says_otherwise_is_found(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, file: str, message: str
) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(kind), tmp_path / "altered", symlinks=True))
    path = folder / OUT / file
    if path.suffix == ".safetensors":
        changed(path, lambda tensors: tensors["fc2.bias"].sub_(1e3 * tensors["fc2.bias"].sign() + 1))
    elif path.suffix == ".json":
        path.write_text(path.read_text().replace('"mlp"', '"gpt"'))
    else:
        path.write_text(path.read_text().replace("accuracy", "precision"))
    write_listing(folder / OUT)
    with pytest.raises(VerificationError, match=message):
        verified(folder)


def test_it_is_written_later_from_the_last_checkpoint(tmp_path: Path, sparse: Path) -> None:
    folder = Path(shutil.copytree(sparse, tmp_path / "again", symlinks=True))
    weights = (folder / OUT / "model.safetensors").read_bytes()
    (folder / RECIPE).write_text(json.dumps(json.loads((folder / RECIPE).read_bytes()) | {"outputs": ["hf"]}))
    shutil.rmtree(folder / OUT)
    done(folder)
    assert (folder / OUT / "hf/model.safetensors").read_bytes() == weights
    assert not (folder / OUT / "model.safetensors").exists()
