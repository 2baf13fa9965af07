"""ticketing.runs.execution: threads and denormals as asked, in a process of its own."""

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ticketing.folder import Execution
from ticketing.runs import execution
from ticketing.runs.execution import settle, slow_precision

SETTLED = """
import sys, torch
from ticketing.runs import execution
from ticketing.runs.execution import settle, slow_precision
from ticketing.folder import Execution
device = settle(Execution(threads=3), deterministic=True)
print(device, torch.get_num_threads(), float(torch.tensor(1e-38) * 0.01), "torch._inductor" in sys.modules)
"""


def test_sets_threads_flushes_denormals_and_imports_no_compiler() -> None:
    assert subprocess.check_output([sys.executable, "-c", SETTLED], text=True).split() == ["cpu", "3", "0.0", "False"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises((RuntimeError, AssertionError), match="CUDA"):
        settle(Execution(device="cuda:0"), deterministic=True)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags of another processor")
def test_a_processor_computes_in_bf16_where_it_has_the_instructions() -> None:
    flags = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    has = {"avx512bw", "avx512vl", "avx512dq"} <= set(flags)
    assert (slow_precision(torch.device("cpu"), "bf16") is None) == has


@pytest.mark.parametrize(
    ("precision", "has", "slow"), [("bf16", False, True), ("bf16", True, False), ("fp32", False, False)]
)
def test_bf16_alone_can_be_slow(precision: Any, has: bool, slow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_has_bf16", lambda device: has)
    assert (slow_precision(torch.device("cpu"), precision) is not None) == slow
