"""Asks the workers how jobs are held on this machine, in a process of theirs; imports none of them."""

import json
import subprocess
from typing import Any

from jobs.settings import Settings
from service.operating.listening import RefusedError
from service.operating.slots import WORKERS, environment


def probe_sandbox(settings: Settings) -> dict[str, Any]:
    """Ask the workers how jobs will be held here: `level`, `landlock_abi`, `user`, `warnings`.

    Raises:
        RefusedError: Too weakly, or the home lies where every job may read.
    """
    env = environment(settings, settings.redis_url or "")
    asked = subprocess.run([*WORKERS, "probe"], capture_output=True, env=env, text=True, check=False)
    if asked.returncode != 0:
        raise RefusedError(asked.stderr.strip().rpartition("\n")[2] or "the sandbox could not be probed")
    answer: dict[str, Any] = json.loads(asked.stdout)
    return answer
