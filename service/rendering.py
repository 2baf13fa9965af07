"""How the pages write numbers, times and sizes; knows no job."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"


def share(value: float) -> str:
    """Write a fraction as a percentage, more digits near one: 0.9 -> 90.00 %, 0.99995 -> 99.9950 %."""
    digits = 4 if 0.999 < value < 1 else 2
    return f"{100 * value:.{digits}f} %"


def points(value: float) -> str:
    """Write a difference of two fractions in percentage points with its sign."""
    return f"{100 * value:+.2f} pt".replace("-", "\N{MINUS SIGN}")


def filesize(value: int) -> str:
    """Write a number of bytes in the unit that leaves one to four digits."""
    size = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError(value)


def duration(seconds: float) -> str:
    """Write seconds in the two units that matter."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(rfc3339: str) -> str:
    """Write a time as a person reads it, in UTC."""
    return datetime.fromisoformat(rfc3339).astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


def flops(value: float) -> str:
    """Write a number of floating-point operations with its prefix."""
    for limit, unit in ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f} FLOP"


def templates(visitor: Callable[[Request], dict[str, Any]] | None = None, **everywhere: Any) -> Jinja2Templates:
    """Open the templates: everything escaped, an undefined name an error.

    Args:
        visitor: What every page knows of who asks for it.
        everywhere: What every page knows.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        share=share, points=points, filesize=filesize, duration=duration, moment=moment, flops=flops
    )
    environment.globals.update(everywhere)
    return Jinja2Templates(env=environment, context_processors=[] if visitor is None else [visitor])
