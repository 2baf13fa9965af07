"""ticketing.runs.execution: threads and denormals as asked, in a process of its own."""

import subprocess
import sys

import pytest
import torch

from ticketing.folder import Execution
from ticketing.runs.execution import settle

SETTLED = """
import sys, torch
from ticketing.runs.execution import settle
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
