"""Starts one child as a slot does and waits for its end: `LEVEL LANDLOCK_ABI FOLDER COMMAND`, the command as JSON."""

import json
import sys
from pathlib import Path

from workers.bell import Bell
from workers.child import Child
from workers.process import hide
from workers.sandbox import Errand, Limits, Sandbox

level, abi, folder, command = sys.argv[1:]
if level != "none":
    hide()
sandbox = Sandbox(level, int(abi))
errand = Errand(json.loads(command), Path(folder), ["tmp", "out"], Limits(memory_bytes=4 << 30))
with Bell() as bell, Child(sandbox, errand, log=Path(folder).with_suffix(".log"), bell=bell) as child:
    while child.exit_status is None:
        child.wait(1)
