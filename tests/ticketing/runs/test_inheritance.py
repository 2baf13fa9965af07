"""ticketing.runs.inheritance: a fork is its parent up to a level, and under its own recipe from there on."""

import json
import shutil
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketing.architectures import inventory
from ticketing.errors import CheckpointError, InvariantError, RecipeError
from ticketing.folder import CHECKPOINTS, OUT, RECIPE, RUN, START, Execution, StartSpec, read_spec
from ticketing.journal.checkpoint import read_checkpoint, write_checkpoint
from ticketing.journal.journal import KEPT_SECONDS
from ticketing.ladder.schedule import kept_at, ladder
from ticketing.observer import RecordingObserver, Stopped
from ticketing.plans.parsing import parse_recipe
from ticketing.plans.start import overridden, start_from
from ticketing.runs.run import run

LAST = 3
RATE = {"default": 0.5, "output": 0.2}
EVIDENCE = {"replicates": 2, "controls": ["shuffle"]}
WEIGHTS = ("ticket", "model", "mask", "sparse")


def ran(folder: Path, observer: RecordingObserver | None = None) -> RecordingObserver:
    observer = observer or RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    return observer


def recipe_of(folder: Path) -> dict[str, Any]:
    recipe: dict[str, Any] = json.loads((folder / RECIPE).read_bytes())
    return recipe


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return report


@cache
def held_in(file: Path) -> tuple[str, dict[str, Any]]:
    """Give a checkpoint's digest, and where it was saved."""
    sha256 = file.with_suffix(".done").read_text().strip()
    return sha256, read_checkpoint(file, sha256=sha256).where.as_json()


def start_of(parent: Path, recipe: dict[str, Any], level: int, number: int) -> StartSpec | None:
    """Where a fork of a run's checkpoint would start."""
    spec = read_spec(parent)
    assert spec.model is not None
    sha256, where = held_in(parent / CHECKPOINTS / f"{number:06d}.safetensors")
    return start_from(
        job="job_parent",
        level=level,
        sha256=sha256,
        where=where,
        parent=parse_recipe(recipe_of(parent)),
        parent_start=spec.start,
        recipe=parse_recipe(recipe),
        inventory=inventory(spec.model.architecture, spec.model.arguments),
    )


def numbers(parent: Path) -> list[int]:
    """Checkpoints of a run, newest first."""
    return sorted((int(path.stem) for path in (parent / CHECKPOINTS).glob("*.done")), reverse=True)


def forked(parent: Path, folder: Path, level: int, *, number: int | None = None, **overrides: Any) -> Path:
    """Lay out a fork: the parent's folder with another recipe, a start and no checkpoints of its own."""
    recipe = parse_recipe(overridden(recipe_of(parent), overrides)).model_dump(mode="json")
    for part in (CHECKPOINTS, OUT, "start", "tmp"):
        (folder / part).mkdir(parents=True)
    shutil.copytree(parent / "data", folder / "data", symlinks=True)
    shutil.copytree(parent / "model", folder / "model")
    numbered = numbers(parent) if number is None else [number]
    found = ((number, start_of(parent, recipe, level, number)) for number in numbered)
    held, start = next((number, start) for number, start in found if start is not None)
    shutil.copyfile(parent / CHECKPOINTS / f"{held:06d}.safetensors", folder / START)
    (folder / RECIPE).write_text(json.dumps(recipe))
    own = {"start": start, "execution": Execution()}  # which saves as rarely as a service does, unlike the parent
    (folder / RUN).write_text(read_spec(parent).model_copy(update=own).model_dump_json())
    return folder


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / OUT).glob("*.safetensors") if path.stem in WEIGHTS}


def figures(folder: Path) -> dict[str, Any]:
    """Everything a report says that two runs of the same bits have in common."""
    report = report_of(folder)
    rows = [{key: value for key, value in row.items() if key != "inherited"} for row in report["levels"]]
    return {"levels": rows} | {key: report[key] for key in ("search", "certificate", "curves")}


@pytest.fixture(scope="module")
def parents(lay_out: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a finished run by its rewind, with all its checkpoints, each made once."""
    made: dict[str, Path] = {}

    def parent(rewind: str = "0it", **words: Any) -> Path:
        name = f"{rewind} {words}"
        if name not in made:
            given = {"levels": LAST, "rate": RATE, "evidence": EVIDENCE, "rewind": rewind} | words
            made[name] = lay_out(tmp_path_factory.mktemp("parent") / "run", checkpoint_seconds=0.05, **given)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("ticketing.journal.journal.KEPT_SECONDS", 100 * KEPT_SECONDS)
                ran(made[name])
        return made[name]

    return parent


def places(parents: Any, rewind: str) -> list[tuple[int, int]]:
    """Every level of a finished run with the newest and the oldest checkpoint that hold it."""
    parent = parents(rewind)
    found = []
    for level in range(1, LAST + 1):
        held = [n for n in numbers(parent) if start_of(parent, recipe_of(parent), level, n) is not None]
        found += [(level, number) for number in sorted({held[0], held[-1]})]
    return found


@pytest.mark.parametrize("rewind", ["0it", "20it", "lr", "none"])
def test_a_fork_without_overrides_is_its_parent_bit_for_bit(parents: Any, rewind: str, tmp_path: Path) -> None:
    parent = parents(rewind)
    # Both ends of what holds a level, of one rewind to a point and of one that goes on from trained weights.
    thorough = rewind in ("0it", "lr")
    for level, number in places(parents, rewind) if thorough else places(parents, rewind)[:2]:
        folder = forked(parent, tmp_path / f"{level} of {number}", level, number=number)
        ran(folder)
        assert weights(folder) == weights(parent)
        assert figures(folder) == figures(parent)


def test_a_fork_takes_over_what_removed_entries_hold(parents: Any, tmp_path: Path) -> None:
    parent = parents(pruned="freeze_if_growing", kept="constant", criterion="large_final_same_sign")
    folder = forked(parent, tmp_path / "fork", 2, number=numbers(parent)[0])
    ran(folder)
    assert weights(folder) == weights(parent)
    assert figures(folder) == figures(parent)
    rows = report_of(folder)["levels"]
    assert [row["ineligible_kept"] is None for row in rows] == [True, False, False, False]


def test_a_fork_takes_over_which_channels_are_gone(parents: Any, tmp_path: Path) -> None:
    words = {"structure": "channel", "rate": {"default": 0.3}, "outputs": ["ticket", "model", "mask", "sparse"]}
    parent = parents(rewind="lr", **words)
    folder = forked(parent, tmp_path / "fork", 2)
    ran(folder)
    assert weights(folder) == weights(parent)
    assert figures(folder) == figures(parent)
    narrower = forked(parent, tmp_path / "narrower", 2, rate={"default": 0.5})
    ran(narrower)
    kept = [[row["channels"]["kept"] for row in report_of(of)["levels"]] for of in (parent, narrower)]
    assert kept == [[32, 22, 15, 11], [32, 22, 15, 8]]


@pytest.mark.parametrize(
    ("budget", "by"), [({"seconds": 1e-9}, "seconds"), ({"samples": 60 * 60}, "samples"), ({"samples": 10**9}, None)]
)
def test_a_fork_pays_for_its_own_levels_alone(parents: Any, tmp_path: Path, budget: Any, by: str | None) -> None:
    parent = parents()
    folder = forked(parent, tmp_path / "fork", 2, number=numbers(parent)[0], budget=budget, levels=4)
    said = ran(folder)
    told = report_of(folder)["search"]
    own = 3 if by is None else 1
    ended = [warning["detail"] for warning in said.of_type("warning") if warning["code"] == "budget_ended_search"]
    assert len(ended) == (by is not None)
    assert all(detail.endswith("after 1 of 3 pruned levels, at level 2") for detail in ended)
    assert (told["budget"]["ended_by"], told["delivered_level"]) == (by, 1 + own)
    assert (told["budget"]["levels"], told["budget"]["levels_asked"]) == (own, 3)
    assert told["budget"]["used"]["samples"] == own * 60 * 60


def test_both_ends_of_a_search_are_forked_from(parents: Any) -> None:
    # The newest checkpoint holds both replicates; the oldest that holds a level holds it of the first alone.
    parent = parents()
    newest, oldest = (start_of(parent, recipe_of(parent), 2, number) for _, number in places(parents, "0it")[3:1:-1])
    assert newest is not None
    assert oldest is not None
    assert (newest.searches, oldest.searches) == (2, 1)


def test_a_fork_of_a_fork_is_still_the_first_parent_bit_for_bit(parents: Any, tmp_path: Path) -> None:
    parent = parents("20it")
    child = forked(parent, tmp_path / "child", 1)
    ran(child)
    grandchild = forked(child, tmp_path / "grandchild", 2)
    ran(grandchild)
    assert weights(grandchild) == weights(parent)
    assert report_of(grandchild)["provenance"]["start"]["start"]["level"] == 1


@pytest.mark.parametrize("stop_after", [0, 1, 61, 90, 250])
def test_a_fork_stopped_anywhere_ends_with_the_same_bits(parents: Any, tmp_path: Path, stop_after: int) -> None:
    undisturbed, interrupted = (
        forked(parents("lr"), tmp_path / name, 3, target={"sparsity": 0.93}) for name in ("one", "two")
    )
    ran(undisturbed)
    with pytest.raises(Stopped):
        ran(interrupted, RecordingObserver(stop_after=stop_after))
    resumed = ran(interrupted)
    assert resumed.of_type("started")[0]["resumed_from"]["checkpoint"] >= 1
    assert weights(interrupted) == weights(undisturbed)
    assert figures(interrupted) == figures(undisturbed)


def test_a_fork_resumes_without_its_parents_checkpoint(parents: Any, tmp_path: Path) -> None:
    folder = forked(parents(), tmp_path / "fork", 2)
    with pytest.raises(Stopped):
        ran(folder, RecordingObserver(stop_after=0))
    (folder / START).unlink()
    ran(folder)
    assert weights(folder) == weights(parents())


def test_another_target_goes_on_from_the_parents_exact_counts(parents: Any, tmp_path: Path) -> None:
    parent = parents()
    folder = forked(parent, tmp_path / "fork", 2, target={"sparsity": 0.9}, rate={"default": 0.25, "output": 0.1})
    ran(folder)
    before, after = report_of(parent)["levels"], report_of(folder)["levels"]
    assert [row["layers"] for row in after[:3]] == [row["layers"] for row in before[:3]]
    for layer, rate in ((0, 0.25), (1, 0.1)):
        kept = before[2]["layers"][layer]["kept"]
        assert after[3]["layers"][layer]["kept"] == ladder(kept, rate, 1)[1]
    assert after[-1]["kept"] == kept_at(before[0]["kept"], 0.9)


def test_what_is_below_the_start_is_the_parents_and_what_is_above_is_its_own(parents: Any, tmp_path: Path) -> None:
    parent, training = parents(), {"optimizer": {"name": "sgd", "learning_rate": 0.05}}
    folder = forked(parent, tmp_path / "fork", 2, training=training)
    ran(folder)
    before, after = report_of(parent)["levels"], report_of(folder)["levels"]
    assert [row["validation"] for row in after[:2]] == [row["validation"] for row in before[:2]]
    assert after[2]["kept"] == before[2]["kept"]
    assert all(after[level]["validation"] != before[level]["validation"] for level in (2, 3))


def test_a_fork_says_what_it_took_over_before_anything_it_did(parents: Any, tmp_path: Path) -> None:
    said = ran(forked(parents(), tmp_path / "fork", 2))
    taken = [(e["replicate"], e["level"]) for e in said.of_type("level_completed") if e.get("inherited")]
    assert taken == [(0, 0), (0, 1), (1, 0), (1, 1)]
    drawn = [(e["replicate"], e["level"]) for e in said.of_type("mask_drawn") if e.get("inherited")]
    assert drawn == [(0, 1), (0, 2), (1, 1), (1, 2)]
    first = next(i for i, (word, _) in enumerate(said.events) if word == "checkpoint_saved")
    facts = [data for word, data in said.events[:first] if word in ("mask_drawn", "level_completed")]
    assert (len(facts), all(fact["inherited"] for fact in facts)) == (8, True)
    where = said.of_type("checkpoint_saved")[0]["where"]
    assert (where["level"], where["step"]) == (2, 0)
    own = [(e["replicate"], e["level"]) for e in said.of_type("level_completed") if not e.get("inherited")]
    assert own == [(0, 2), (0, 3), (1, 2), (1, 3)]


def test_report_and_provenance_say_whose_levels_they_are(parents: Any, tmp_path: Path) -> None:
    parent = parents()
    folder = forked(parent, tmp_path / "fork", 2, target={"sparsity": 0.9})
    ran(folder)
    report, told = report_of(folder), json.loads((folder / OUT / "provenance.json").read_bytes())["start"]
    assert [row["inherited"] for row in report["levels"]] == [True, True, *[False] * (len(report["levels"]) - 2)]
    spec = read_spec(folder)
    assert spec.start is not None
    assert told["run"] == report_of(parent)["provenance"]["run"]
    assert (told["job"], told["level"], told["checkpoint"]) == ("job_parent", 2, spec.start.sha256)
    assert told["changed"]["/levels"] == {"parent": 3, "own": None}
    assert set(told["changed"]) == {"/levels", "/target"}
    assert report_of(parent)["provenance"]["start"] is None
    for page in ("report.html", "report.md"):
        assert "job_parent" in (folder / OUT / page).read_text().replace("\\", "")


def test_the_plan_of_a_fork_is_what_it_does(parents: Any, tmp_path: Path) -> None:
    for _, number in places(parents, "0it")[:2]:
        folder = forked(parents(), tmp_path / f"of {number}", 1, number=number)
        said = ran(folder)
        cost = report_of(folder)["cost"]
        assert said.last_progress is not None
        assert said.last_progress["fraction"] == 1.0
        own = [e for e in said.of_type("level_completed") if not e.get("inherited")]
        assert cost["search_updates"] == sum(e["updates"] for e in own)
        parents_cost = report_of(parents())["cost"]
        assert cost["search_updates"] + cost["inherited_updates"] == parents_cost["search_updates"]
        assert cost["flops_executed"] + cost["inherited_flops"] == parents_cost["flops_executed"]
        assert cost["certificate_updates"] + cost["reused_updates"] == parents_cost["certificate_updates"]


def test_a_search_that_had_not_reached_the_level_is_walked_anew(parents: Any, tmp_path: Path) -> None:
    level, oldest = places(parents, "0it")[2]
    folder = forked(parents(), tmp_path / "fork", level, number=oldest)
    said = ran(folder)
    levels = [(e["replicate"], e["level"]) for e in said.of_type("level_completed") if not e.get("inherited")]
    assert levels == [(0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]
    assert "searches_walked_anew" in {warning["code"] for warning in report_of(folder)["warnings"]}


def test_more_evidence_may_be_asked_of_a_level_than_the_parent_had(parents: Any, tmp_path: Path) -> None:
    folder = forked(parents(), tmp_path / "fork", LAST, evidence={"replicates": 3, "controls": ["shuffle", "reinit"]})
    ran(folder)
    report = report_of(folder)
    assert report["certificate"]["n"] == 3
    # What the parent's certificate trained, it does not train again: all but what was in no checkpoint yet.
    assert report["cost"]["certificate_trainings"] + report["cost"]["reused_trainings"] == 3 * 4
    assert report["cost"]["reused_trainings"] >= 1
    same = [row["validation"]["replicates"][:2] for row in report["levels"]]
    assert same == [row["validation"]["replicates"] for row in report_of(parents())["levels"]]


def test_a_rewind_to_the_start_or_to_trained_weights_may_be_asked_for_anew(parents: Any, tmp_path: Path) -> None:
    ran(forked(parents("20it"), tmp_path / "0it", 2, rewind="0it"))
    ran(forked(parents("20it"), tmp_path / "lr", 2, rewind="lr"))
    told = report_of(tmp_path / "lr")["provenance"]["start"]
    assert told["changed"] == {"/rewind": {"parent": "20it", "own": "lr"}}


@pytest.mark.parametrize("words", [{"keep_levels": "models"}, {"evidence": EVIDENCE | {"levels": "all"}}])
def test_levels_whose_restarts_were_kept_are_held_to_the_end(parents: Any, tmp_path: Path, words: Any) -> None:
    parent = parents("lr", **words)
    for level in range(1, LAST):
        folder = forked(parent, tmp_path / f"{level}", level, number=numbers(parent)[0])
        ran(folder)
        assert weights(folder) == weights(parent)
        assert figures(folder) == figures(parent)


@pytest.mark.parametrize(
    ("rewind", "overrides", "pointer", "code"),
    [
        ("0it", {"seed": 1}, "/recipe/seed", "not_inheritable"),
        ("0it", {"rewind": "20it"}, "/recipe/rewind", "not_inheritable"),
        ("20it", {"rewind": "10it"}, "/recipe/rewind", "not_inheritable"),
        ("0it", {"keep_levels": "models"}, "/recipe/keep_levels", "not_inheritable"),
        ("lr", {"evidence": {"levels": "all"}}, "/recipe/evidence/levels", "not_inheritable"),
        ("20it", {"rewind": "0it", "evidence": {"levels": "all"}}, "/recipe/rewind", "not_inheritable"),
        ("0it", {"rewind": "auto"}, "/recipe/rewind", "not_inheritable"),
        ("0it", {"target": {"max_accuracy_drop": 0.1}}, "/recipe/target/max_accuracy_drop", "not_inheritable"),
        ("0it", {"levels": 1}, "/recipe/levels", "before_start"),
        ("0it", {"target": {"sparsity": 0.5}}, "/recipe/target/sparsity", "before_start"),
    ],
)
def test_what_the_parent_does_not_have_is_refused(
    parents: Any, tmp_path: Path, rewind: str, overrides: Any, pointer: str, code: str
) -> None:
    level, number = places(parents, rewind)[2]
    folder = forked(parents(rewind), tmp_path / "fork", level, number=number, **overrides)
    with pytest.raises(RecipeError) as caught:
        ran(folder)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]


@pytest.mark.parametrize("damage", ["altered", "gone", "another_run"])
def test_a_start_that_is_not_the_parents_checkpoint_is_refused(parents: Any, tmp_path: Path, damage: str) -> None:
    folder = forked(parents(), tmp_path / "fork", 2)
    start = folder / START
    if damage == "gone":
        start.unlink()
    elif damage == "altered":
        start.write_bytes(start.read_bytes()[:-1] + b"x")
    else:
        spec = json.loads((folder / RUN).read_bytes())
        spec["start"]["recipe"]["training"]["batch_size"] = 64
        (folder / RUN).write_text(json.dumps(spec))
    with pytest.raises(CheckpointError, match="job_parent"):
        ran(folder)


def test_a_mask_that_does_not_have_the_ladders_counts_is_refused(parents: Any, tmp_path: Path) -> None:
    folder = forked(parents(), tmp_path / "fork", 2)
    spec = read_spec(folder)
    assert spec.start is not None
    content = read_checkpoint(folder / START, sha256=spec.start.sha256)
    content.tensors["mask/1/2"]["bits"][0] ^= 1
    start = spec.start.model_copy(update={"sha256": write_checkpoint(folder / START, content)})
    (folder / RUN).write_text(spec.model_copy(update={"start": start}).model_dump_json())
    with pytest.raises(InvariantError, match="level 2, replicate 1, taken over from job_parent"):
        ran(folder)


def test_a_start_that_holds_less_than_it_should_is_refused(parents: Any, tmp_path: Path) -> None:
    _, oldest = places(parents, "0it")[2]
    folder = forked(parents(), tmp_path / "fork", 2, number=oldest)
    spec = json.loads((folder / RUN).read_bytes())
    spec["start"]["searches"] = 2
    (folder / RUN).write_text(json.dumps(spec))
    with pytest.raises(CheckpointError, match=r"expected search/1/dense/0 in the parent's checkpoint, got none"):
        ran(folder)


def test_a_fork_on_another_execution_key_says_that_the_bits_may_differ(parents: Any, tmp_path: Path) -> None:
    folder = forked(parents(), tmp_path / "fork", 2)
    told = ran(folder, RecordingObserver()).of_type("warning")
    assert "started_on_different_hardware" not in [warning["code"] for warning in told]
    other = forked(parents(), tmp_path / "other", 2)
    spec = read_spec(other)
    (other / RUN).write_text(
        spec.model_copy(update={"execution": spec.execution.model_copy(update={"threads": 2})}).model_dump_json()
    )
    with pytest.raises(Stopped):
        ran(other, observer := RecordingObserver(stop_after=0))
    torch.set_num_threads(1)
    assert observer.of_type("warning")[0]["code"] == "started_on_different_hardware"


def test_a_fork_whose_checkpoints_are_all_damaged_starts_over_from_its_parent(parents: Any, tmp_path: Path) -> None:
    folder = forked(parents(), tmp_path / "fork", 2)
    with pytest.raises(Stopped):
        ran(folder, RecordingObserver(stop_after=80))
    for file in (folder / CHECKPOINTS).glob("*.safetensors"):
        file.write_bytes(b"")
    assert ran(folder).of_type("warning")[0]["code"] == "checkpoints_damaged"
    assert weights(folder) == weights(parents())


def test_a_fork_of_a_run_that_chose_its_rewind_restarts_where_that_chose(parents: Any, tmp_path: Path) -> None:
    parent = parents("auto")
    folder = forked(parent, tmp_path / "fork", 2)
    ran(folder)
    assert weights(folder) == weights(parent)
    told, report = report_of(parent)["search"]["connectivity"], report_of(folder)
    assert told["extra_updates"] > 0
    assert report["search"]["connectivity"]["chosen"] == report["search"]["rewind"] == told["chosen"]
    assert report["search"]["connectivity"]["extra_updates"] == 0
    assert report["cost"]["search_trainings"] == 2 * 2


def test_a_fork_goes_on_from_a_level_on_the_way_to_an_accuracy_drop(parents: Any, tmp_path: Path) -> None:
    parent = parents(levels=None, target={"max_accuracy_drop": 0.05})
    told = report_of(parent)["search"]["target"]
    last = told["within"][-1]
    assert last > 0
    folder = forked(parent, tmp_path / "fork", last, levels=last + 1)
    ran(folder)
    rows = report_of(folder)["levels"]
    assert [(row["level"], row["inherited"]) for row in rows] == [
        *((level, True) for level in told["within"][:-1]),
        (last, False),
        (last + 1, False),
    ]
    aside = forked(parent, tmp_path / "aside", told["beyond"][0], levels=60)
    with pytest.raises(CheckpointError, match="a level on the way"):
        ran(aside)
