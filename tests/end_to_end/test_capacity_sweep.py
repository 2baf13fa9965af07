"""A sweep over widths through the real service: figures come out, no ticket; what makes no sense of it is refused."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from winnow import Client
from winnow.errors import ProblemError
from winnow.transfer import verify_folder

pytestmark = [pytest.mark.processes, pytest.mark.backends("sqlite")]

SWEEP: dict[str, Any] = {
    "name": "widths",
    "model": {"architecture": "mlp", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {
        "search": "capacity_sweep",
        "widths": [2, 4, 8, 16],
        "examples": 60,
        "repeats": 3,
        "training": {"length": "30ep", "batch_size": 20},
        "seed": 0,
    },
}


@pytest.fixture(scope="module")
def swept(url: str, succeeded: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    with Client(url) as client:
        return succeeded(client, SWEEP)


def test_its_files_are_the_curve_and_the_report_names_the_threshold(
    client: Client, swept: dict[str, Any], tmp_path: Path
) -> None:
    client.download(swept["id"], tmp_path)
    assert {"widths.csv", "report.json", "report.html", "report.md"} <= set(verify_folder(tmp_path))
    assert not list(tmp_path.glob("*.safetensors"))
    rows = list(csv.DictReader((tmp_path / "widths.csv").read_text().splitlines()))
    assert [row["width"] for row in rows] == [str(width) for width in (2, 4, 8, 16) for _ in range(3)]
    capacity = client.report(swept["id"])["capacity"]
    assert capacity["threshold"] == {"parameters": 600, "width": pytest.approx(590 / 75)}
    assert capacity["points"][-1]["train_error"]["mean"] < capacity["points"][0]["train_error"]["mean"]


def test_every_width_is_a_level_of_the_job(client: Client, swept: dict[str, Any]) -> None:
    levels = client.levels(swept["id"])
    assert [(row["replicate"], row["width"]) for row in levels] == [(r, w) for r in range(3) for w in (2, 4, 8, 16)]
    assert (swept["best"], swept["gate"]) == (None, None)
    assert swept["cost"]["used_flops"] == client.report(swept["id"])["cost"]["flops_executed"]


def test_its_page_shows_the_curves_and_the_widths(url: str, swept: dict[str, Any]) -> None:
    page = httpx2.get(f"{url}/jobs/{swept['id']}").text
    assert "Loss against width" in page
    assert "1,210" in page  # 75 * 16 + 10
    assert "Accuracy against sparsity" not in page


def test_the_plan_has_the_widths_with_their_parameters(client: Client) -> None:
    plan = client.validate(SWEEP)["plan"]
    assert [(row["width"], row["parameters"]) for row in plan["widths"]] == [(2, 160), (4, 310), (8, 610), (16, 1210)]


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"gates": {"min_sparsity": 0.5}}, "/gates/min_sparsity", "no_ticket"),
        ({"recipe": SWEEP["recipe"] | {"examples": 4000}}, "/recipe/examples", "too_few_examples"),
        ({"model": {"architecture": "lenet-300-100", "seed": 0}}, "/recipe/search", "unsupported_model"),
    ],
)
def test_what_it_cannot_do_is_refused_before_it_is_queued(
    client: Client, changed: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(ProblemError) as caught:
        client.submit(SWEEP | changed)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]


def test_it_cannot_be_forked_and_no_grid_is_laid_over_it(client: Client, swept: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as caught:
        client.fork(swept["id"], from_level=1, recipe={})
    assert [fault.code for fault in caught.value.faults] == ["not_forkable"]
    with pytest.raises(ProblemError) as caught:
        client.sweep(SWEEP | {"grid": {"/seed": [0, 1]}})
    assert {fault.code for fault in caught.value.faults} == {"no_ticket"}


def test_a_model_says_which_searches_can_take_it(client: Client) -> None:
    supported = {
        name: {row["search"]: row["supported"] for row in client.model(architecture=name, seed=0)["searches"]}
        for name in ("mlp", "lenet-300-100", "resnet-20")
    }
    assert supported["mlp"] == {"iterative": True, "early_bird": False, "capacity_sweep": True}
    assert supported["lenet-300-100"] == {"iterative": True, "early_bird": False, "capacity_sweep": False}
    assert supported["resnet-20"] == {"iterative": True, "early_bird": True, "capacity_sweep": False}
