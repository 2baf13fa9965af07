"""One job's progress as a terminal shows it; knows no HTTP. Plain lines where there is no terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from winnow.errors import Json
from winnow.terminal import plain

MOST_BARS = 12


class JobProgress:
    """Bars for one job: the whole of it, and one for each level, drawn only at a terminal.

    Elsewhere one line is written when the state changes, and one for each level that is come upon.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=out,
            disable=not out.is_terminal,
        )
        self._whole = self._bars.add_task("job", total=1.0, note="")
        self._levels: dict[str, TaskID] = {}
        self._said = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, job: Json) -> None:
        """Show a job as it is now."""
        progress = job["progress"] if job["state"] == "running" else {}
        if self._out.is_terminal:
            self._draw(job, progress)
        else:
            self._say(job, progress)

    def _say(self, job: Json, progress: Json) -> None:
        line = " ".join([_state(job), _place(progress)]).strip()
        if line != self._said:
            self._out.print(f"{job['id']} {line}", markup=False)
        self._said = line

    def _draw(self, job: Json, progress: Json) -> None:
        fraction = 1.0 if job["state"] == "succeeded" else job["progress"]["fraction"]
        phase = str(job["phase"] or "").replace("_", " ") if progress else ""
        note = plain(", ".join(part for part in (phase, _remaining(job["progress"])) if part))
        self._bars.update(self._whole, completed=fraction, description=_state(job), note=note)
        if job["state"] == "succeeded":
            self._complete_levels()
        if place := _place(progress):
            self._draw_level(place, progress)

    def _draw_level(self, place: str, progress: Json) -> None:
        if place not in self._levels:
            self._complete_levels()
            self._levels[place] = self._bars.add_task(place, total=1.0, note="")
        epoch, epochs = progress.get("epoch") or 0, progress.get("epochs_total") or 0
        note = f"epoch {epoch:g} of {epochs:g}" if epochs else ""
        self._bars.update(self._levels[place], completed=min(1.0, epoch / epochs) if epochs else 0.0, note=note)

    def _complete_levels(self) -> None:
        for number, task in enumerate(reversed(self._levels.values()), start=1):
            self._bars.update(task, completed=1.0, visible=number < MOST_BARS, note="")


def _state(job: Json) -> str:
    children = job.get("children")
    points = f", {children['total'] - children['open']} of {children['total']} points done" if children else ""
    return plain(job["state"] + (f" ({job['reason']})" if job.get("reason") else "") + points)


def _place(progress: Json) -> str:
    """Name what is being trained: level, replicate and branch; empty before the first progress."""
    if progress.get("branch") is None:
        return ""
    level = f"level {progress['level']} of {progress['levels_total']}"
    return plain(f"replicate {progress['replicate']}, {level}, {progress['branch']}")


def _remaining(progress: Json) -> str:
    eta = progress.get("eta") or {}
    return f"about {eta['seconds_remaining']:.0f} s left" if eta.get("available") else ""
