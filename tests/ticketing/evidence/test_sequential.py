"""ticketing.evidence.sequential: replicates are added while undecided, no longer; stopped anywhere, the same bits."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ticketing.certificate.answers import read_answers
from ticketing.certificate.looks import confidence_of
from ticketing.evidence.sequential import grow
from ticketing.evidence.trainings import CHOICE, gather
from ticketing.folder import OUT, read_spec
from ticketing.journal.findings import Findings
from ticketing.journal.walk import searches_made
from ticketing.journal.workbench import Workbench
from ticketing.observer import RecordingObserver, Stopped
from ticketing.runs.run import run
from ticketing.runs.verification import verify
from ticketing.searches.iterative import search
from ticketing.training.rewinding import restart_of

# After 20 updates on blobs a ticket is about 0.08 behind dense: that tolerance leaves it open, nearly 1 decides it.
GROWS = {"replicates": 3, "max_replicates": 5, "controls": ["shuffle"], "tolerance": 0.08}
DECIDED = GROWS | {"tolerance": 0.99}


def grown(bench: Workbench, levels: tuple[int, ...] = (2,)) -> Workbench:
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    found = Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed)
    for replicate in range(3 if bench.recipe.evidence.replicates_of == "search" else 1):
        search(bench, replicate)
    bench.journal.record(CHOICE, {"level": 2})
    gather_all = partial(gather, bench, found, restart=restart)
    gather_all(levels=levels)
    grow(
        bench,
        level=2,
        search=partial(search, bench),
        gather=lambda replicate: gather_all(levels=(2,), replicates=[replicate]),
    )
    return bench


def tickets(bench: Workbench, level: int) -> int:
    return sum(piece.startswith("certificate/") and piece.endswith(f"/ticket/{level}") for piece in bench.journal.facts)


@pytest.mark.parametrize(("of", "searches"), [("search", 5), ("retrain", 1)])
def test_while_undecided_a_replicate_is_added_with_a_search_of_its_own_where_that_is_asked(
    make_bench: Any, of: str, searches: int
) -> None:
    bench = grown(make_bench(evidence=GROWS | {"replicates_of": of}))
    assert (tickets(bench, 2), searches_made(bench)) == (5, searches)
    assert bench.observer.last_progress["fraction"] == 1.0  # every update of the plan's "at most", and no other


def test_a_verdict_at_the_first_look_ends_it(make_bench: Any) -> None:
    bench = grown(make_bench(evidence=DECIDED))
    assert (tickets(bench, 2), searches_made(bench)) == (3, 3)
    least = bench.plan.at_least
    made = [facts for piece, facts in bench.journal.facts.items() if piece.startswith(("search/", "certificate/"))]
    assert (len(made), sum(facts["updates"] for facts in made)) == (least["trainings"], least["updates"])


def test_without_a_maximum_nothing_is_added(make_bench: Any) -> None:
    evidence = {name: value for name, value in GROWS.items() if name != "max_replicates"}
    bench = grown(make_bench(evidence=evidence))
    assert (tickets(bench, 2), bench.plan.at_least) == (3, None)


def test_only_the_delivered_level_grows(make_bench: Any) -> None:
    bench = grown(make_bench(evidence=GROWS | {"levels": "all"}), levels=(1, 2))
    assert (tickets(bench, 1), tickets(bench, 2)) == (3, 5)
    assert bench.observer.last_progress["fraction"] == 1.0


@pytest.mark.parametrize("updates", [3, 95, 170])
def test_stopped_anywhere_it_ends_the_same_and_trains_nothing_twice(
    make_bench: Any, tmp_path: Any, updates: int
) -> None:
    undisturbed = grown(make_bench(evidence=GROWS, folder=tmp_path / "undisturbed"))
    first_look = 3 * (3 * 20 + 3) + 3 * 3 * 21
    with pytest.raises(Stopped):
        grown(make_bench(evidence=GROWS, observer=RecordingObserver(stop_after=first_look + updates)))
    bench = grown(make_bench(evidence=GROWS))
    assert bench.journal.facts.keys() == undisturbed.journal.facts.keys()
    for piece, facts in undisturbed.journal.facts.items():
        if piece.startswith(("search/", "certificate/")):
            assert bench.journal.facts[piece] | {"seconds": 0} == facts | {"seconds": 0}
        for name, tensor in undisturbed.journal.tensors.get(piece, {}).items():
            assert bench.journal.tensors[piece][name].tolist() == tensor.tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, lay_out: Any) -> Path:
    laid: Path = lay_out(
        tmp_path_factory.mktemp("grown") / "run",
        length="20it",
        evidence=GROWS | {"max_replicates": 4, "levels": "all", "tolerance": 1e-6},
    )
    run(laid, read_spec(laid), observer=RecordingObserver(), clock=time.monotonic)
    return laid


def test_the_report_tells_every_look_and_the_confidence_of_its_bounds(folder: Path) -> None:
    certificate = json.loads((folder / OUT / "report.json").read_bytes())["certificate"]
    assert [look["n"] for look in certificate["looks"]] == [3, 4]
    assert certificate["looks"][0]["verdict"] == "inconclusive"
    assert certificate["looks"][-1]["verdict"] == certificate["verdict"]
    assert (certificate["n"], certificate["max_replicates"]) == (4, 4)
    assert certificate["confidence"] == confidence_of((3, 4)) > 0.95


def test_levels_with_more_and_fewer_replicates_read_back(folder: Path) -> None:
    answers = read_answers(folder / OUT / "answers.safetensors")
    rows = {name: len(correct) for name, correct in answers.items() if name.endswith("/best")}
    assert rows == {"dense/0/best": 4, "ticket/1/best": 3, "shuffle/1/best": 3, "ticket/2/best": 4, "shuffle/2/best": 4}
    assert verify(folder, read_spec(folder))


def test_the_page_says_how_it_grew(folder: Path) -> None:
    page = (folder / OUT / "report.html").read_text()
    assert "inconclusive at n = 3" in page
    assert "96.99 % Student t" in page
