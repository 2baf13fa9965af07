"""Under what a benchmark ran: its command, the machine, and what else the machine was doing."""

import os
import platform
import sys
from typing import Any


def load_now() -> float:
    """Give the load of the last minute, rounded as it is written."""
    return round(os.getloadavg()[0], 2)


def circumstances(load_before: float) -> dict[str, Any]:
    """Say under what the figures beside it were measured.

    Args:
        load_before: What `load_now` gave before the first of them.
    """
    return {
        "command": "python " + " ".join(sys.argv),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load_average_1min": {"before": load_before, "after": load_now()},
    }
