"""Writes `docs/errors.md`: every problem of the API, and every way a job can fail."""

from service.catalogue import PROBLEMS
from service.failures import FAILURES


def as_markdown() -> str:
    """Write `docs/errors.md`."""
    lines = [
        "# Problems",
        "",
        "Every refusal is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) document, `application/problem+json`:",
        "`type` leads here, `title` and `status` are of the kind, `detail` is of this one occurrence, `code` is the",
        "word to branch on, `request_id` finds it in the log, and `errors` has one entry per field, each with a",
        "`pointer` (JSON pointer into the body, or `query:name`, `path:name`, `header:name`), a `code`, a `detail`",
        "that says what was expected and what came, and `allowed`, the closed list of words where there is one.",
        "",
        "This page is written by `python -m service.errors_page > docs/errors.md`; a test compares the two.",
        "",
        "## Answers of the API",
    ]
    for code, kind in PROBLEMS.items():
        lines += ["", f"### {code}", "", f"**{kind.status}** · {kind.title}.", "", kind.meaning]
    lines += ["", "## Why a job failed", "", "The `error` of a job, a model or a dataset; the request itself was fine."]
    for code, meaning in FAILURES.items():
        lines += ["", f"### job: {code}", "", meaning]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
