"""What a job made, as the database has it, and its files as answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from jobs.records import Viewer, find_job, list_artifacts, list_levels
from service.dependencies import House
from service.downloads import blob_response
from service.problems import Problem, missing_is

# A page made of what a stranger called his model: shown, and able to do nothing.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Results:
    """A job's results at one moment."""

    job_id: str
    state: str
    levels: list[dict[str, Any]]
    artifacts: Mapping[str, Mapping[str, Any]]
    """By name."""

    def artifact(self, name: str) -> Mapping[str, Any]:
        """Look up a file by its name.

        Raises:
            Problem: The job made none of that name.
        """
        if name not in self.artifacts:
            raise Problem("artifact_not_found", f"the job is {self.state} and has made no {name[:120]!r}")
        return self.artifacts[name]

    def name_at(self, name: str, level: int) -> str:
        """Say under which name a level's file is kept.

        Raises:
            Problem: It was not, or the job made none of that name at all.
        """
        kept = f"levels/{level:02d}/{name}"
        if kept not in self.artifacts:
            self.artifact(name)
            raise Problem("level_not_kept", f"expected a {name} of level {level}, which the recipe did not keep")
        return kept


def results_of(house: House, viewer: Viewer, job_id: str) -> Results:
    """Read what a job made so far.

    Raises:
        Problem: There is no such job.
    """
    with missing_is("job_not_found"), house.database.read() as conn:
        found = find_job(conn, job_id, viewer=viewer)
        levels = list_levels(conn, tenant=viewer.tenant, job_id=job_id)
        made = list_artifacts(conn, tenant=viewer.tenant, job_id=job_id)
    return Results(job_id, found.object["state"], levels, {item["name"]: item for item in made})


def file_answer(house: House, request: Request, item: Mapping[str, Any], *, attached: bool = False) -> Response:
    """Answer with an artifact's bytes; `attached` asks a browser to save and not to show them."""
    headers = {"Content-Security-Policy": POLICY}
    name = item["name"].rpartition("/")[2] if attached else None
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return blob_response(
        request,
        house.blobs,
        sha256=item["sha256"],
        size=item["bytes"],
        media_type=item["media_type"],
        headers=headers,
        sent_away_as=name,
    )
