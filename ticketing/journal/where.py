"""A place in a run: which training, and how many of its updates are made; knows no files and no tensors."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Where:
    """One training of a run, at a step."""

    replicate: int
    stage: Literal["search", "certificate"]
    branch: str
    """`dense`, `ticket` or the name of a control."""
    level: int
    step: int = 0

    @classmethod
    def of_search(cls, replicate: int, level: int, step: int = 0) -> "Where":
        """Name a level of a replicate's search; level 0 is its dense run."""
        return cls(replicate, "search", "ticket" if level else "dense", level, step)

    @property
    def piece(self) -> str:
        """The name under which a journal keeps this training, whatever its step."""
        return f"{self.stage}/{self.replicate}/{self.branch}/{self.level}"

    @classmethod
    def of_piece(cls, piece: str) -> "Where":
        """Read back a name that `piece` gave."""
        stage, replicate, branch, level = piece.split("/")
        return cls(int(replicate), "search" if stage == "search" else "certificate", branch, int(level))

    def at(self, step: int) -> "Where":
        """Give the same training at another step."""
        return replace(self, step=step)

    def as_json(self) -> dict[str, Any]:
        """Write it as events name it."""
        return asdict(self)
