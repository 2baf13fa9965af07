"""`python -m ticketing`: real processes, real signals; whatever ends a run, the next one ends with the same bits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ticketing.folder import (
    CHECKPOINTS,
    EXIT_FAILED,
    EXIT_FINISHED,
    EXIT_STOPPED,
    OUT,
    RUN,
    DataSpec,
    RunSpec,
    read_spec,
)
from ticketing.journal.journal import open_journal
from ticketing.journal.provenance import execution_key, run_digest
from ticketing.plans.parsing import parse_recipe

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
LONG = 3000
"""Updates of a level: some seconds, so that signals come in its middle."""

ON_DESCRIPTOR_3 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

Event = dict[str, Any]


class Child:
    """A run under way, its events as they come."""

    def __init__(self, verb: str, folder: Path) -> None:
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_DESCRIPTOR_3, str(writing), "-m", "ticketing", verb, str(folder)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            pass_fds=(writing,),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.close(writing)
        self._said = os.fdopen(reading)

    def until(self, word: str) -> Event:
        """Wait for the next event of a type."""
        return next(event["data"] for event in self.events() if event["type"] == word)

    def inside_a_level(self) -> Event:
        """Wait for a checkpoint in the middle of a pruned level; give where."""
        while True:
            where: Event = self.until("checkpoint_saved")["where"]
            if where["level"] == 1 and 0 < where["step"] < LONG:
                return where

    def events(self) -> Iterator[Event]:
        """Give the events as they come, until the process closes its end."""
        return (json.loads(line) for line in self._said)

    def end(self) -> tuple[int, list[Event]]:
        """Wait for the end; give the exit code and the events that were still to come."""
        rest = list(self.events())
        assert self.process.stdout is not None
        self.printed = self.process.stdout.read().decode()
        return self.process.wait(), rest

    def close(self) -> None:
        """Kill it if it still runs, and close what is open."""
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self._said.close()


@contextmanager
def started(verb: str, folder: Path) -> Iterator[Child]:
    child = Child(verb, folder)
    try:
        yield child
    finally:
        child.close()


def ended(verb: str, folder: Path) -> tuple[int, list[Event], str]:
    with started(verb, folder) as child:
        code, events = child.end()
        return code, events, child.printed


def long_run(lay_out: Any, folder: Path) -> Path:
    laid: Path = lay_out(
        folder,
        levels=1,
        training={"length": f"{LONG}it", "evaluate_every": "500it"},
        evidence={"replicates": 0},
        checkpoint_seconds=0.05,
    )
    return laid


def weights(folder: Path) -> list[bytes]:
    return [(folder / OUT / f"{word}.safetensors").read_bytes() for word in ("mask", "ticket", "model", "sparse")]


@pytest.fixture(scope="module")
def undisturbed(lay_out: Any, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = long_run(lay_out, tmp_path_factory.mktemp("undisturbed") / "run")
    assert ended("run", folder)[0] == EXIT_FINISHED
    return weights(folder)


def test_sigterm_saves_and_the_next_attempt_ends_with_the_same_bits(
    lay_out: Any, tmp_path: Path, undisturbed: list[bytes]
) -> None:
    folder = long_run(lay_out, tmp_path / "run")
    with started("run", folder) as child:
        child.inside_a_level()
        child.process.send_signal(signal.SIGTERM)
        code, rest = child.end()
    assert code == EXIT_STOPPED
    saved = [event["data"] for event in rest if event["type"] == "checkpoint_saved"][-1]
    code, events, _ = ended("run", folder)
    assert code == EXIT_FINISHED
    assert events[0]["data"]["resumed_from"] == {"checkpoint": saved["number"], "where": saved["where"]}
    assert weights(folder) == undisturbed


def test_sigkill_inside_a_level_goes_on_inside_it_and_ends_with_the_same_bits(
    lay_out: Any, tmp_path: Path, undisturbed: list[bytes]
) -> None:
    folder = long_run(lay_out, tmp_path / "run")
    with started("run", folder) as child:
        where = child.inside_a_level()
        child.process.kill()
        child.process.wait()
    code, events, _ = ended("run", folder)
    assert code == EXIT_FINISHED
    first = events[0]
    assert first["type"] == "started"
    resumed = first["data"]["resumed_from"]["where"]
    assert (resumed["level"], resumed["stage"]) == (1, "search")
    assert where["step"] <= resumed["step"] < LONG
    assert weights(folder) == undisturbed


def test_without_the_samplers_position_the_bits_are_others(
    lay_out: Any, tmp_path: Path, undisturbed: list[bytes]
) -> None:
    folder = long_run(lay_out, tmp_path / "run")
    with started("run", folder) as child:
        child.inside_a_level()
        child.process.send_signal(signal.SIGTERM)
        child.end()
    _take_out_the_position(folder)
    assert ended("run", folder)[0] == EXIT_FINISHED
    assert weights(folder)[0] == undisturbed[0]  # the mask was drawn before
    assert weights(folder)[2] != undisturbed[2]


def _take_out_the_position(folder: Path) -> None:
    spec, recipe = read_spec(folder), parse_recipe(json.loads((folder / "recipe.json").read_bytes()))
    key, digest = execution_key(spec, recipe), run_digest(spec, recipe)
    journal = open_journal(folder / CHECKPOINTS, run_digest=digest, execution_key=key)
    unfinished = journal.unfinished
    assert unfinished is not None
    assert unfinished.facts["training"]["order"] != {"epoch": 0, "position": 0}
    unfinished.facts["training"]["order"] = {"epoch": 0, "position": 0}
    journal.save(unfinished.where, unfinished)


def test_a_finished_folder_is_verified_by_another_process(finished: Path) -> None:
    code, events, printed = ended("verify", finished)
    assert (code, printed) == (EXIT_FINISHED, "verified\n")
    assert events[-1]["type"] == "verified"
    assert "model.safetensors" in events[-1]["data"]["files"]


def test_a_folder_that_does_not_read_back_says_so(finished: Path) -> None:
    (finished / OUT / "report.html").write_text("something else")
    code, events, printed = ended("verify", finished)
    assert code == EXIT_FAILED
    assert events[-1]["data"]["code"] == "verification_failed"
    assert "report.html" in printed


def test_an_inspection_says_what_it_found(tmp_path: Path) -> None:
    spec = RunSpec(purpose="inspect_data", data=DataSpec(name="digits", uri="builtin:digits"))
    (tmp_path / RUN).write_text(spec.model_dump_json())
    code, events, _ = ended("inspect", tmp_path)
    assert code == EXIT_FINISHED
    assert [event["type"] for event in events] == ["inspected"]
    assert events[0]["data"]["summary"]["classes"] == 10


def test_a_folder_without_a_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    code, events, _ = ended("run", tmp_path)
    assert code == EXIT_FAILED
    assert [(event["type"], event["data"]["code"]) for event in events] == [("failed", "invalid_request")]
    assert "run.json" in events[0]["data"]["detail"]


def test_without_a_descriptor_of_their_own_events_go_to_stdout(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ticketing", "run", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert json.loads(done.stdout)["type"] == "failed"


WITHOUT_MEMORY = """
import sys
import torch
import ticketing.runs.run

def run(*_, **__):
    raise {error}

ticketing.runs.run.run = run
from ticketing.__main__ import main
sys.exit(main(["run", sys.argv[1]]))
"""


@pytest.mark.parametrize(
    "error",
    [
        "torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of ...')",
        "RuntimeError('CUDA error: out of memory')",
        "RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`')",
        "MemoryError()",
    ],
)
def test_every_way_in_which_torch_is_refused_memory_ends_a_run_as_out_of_memory(error: str, tmp_path: Path) -> None:
    (tmp_path / RUN).write_text(RunSpec().model_dump_json())
    command = [sys.executable, "-c", WITHOUT_MEMORY.format(error=error), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_FAILED
    assert json.loads(done.stdout.splitlines()[0])["data"]["code"] == "out_of_memory"
