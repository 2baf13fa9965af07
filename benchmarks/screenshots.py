"""The pages as they look: the list of jobs, one job, its report, at 1280 pixels, light and dark, into docs/images/.

    .venv/bin/python benchmarks/screenshots.py

Needs Chromium on PATH (Debian: `apt-get install chromium`). Runs a service of its own and a small job.
"""

import sys
import tempfile
from pathlib import Path

from chromium import browsing, find_chromium

from winnow import Client
from winnow.local import serving

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 1280
SUBMISSION = {
    "name": "lenet-digits",
    "labels": {"purpose": "screenshot"},
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {
        "search": "iterative",
        "levels": 10,
        "training": {"length": "5ep"},
        "evidence": {"replicates": 3, "controls": ["reinit", "shuffle"], "levels": "all"},
        "seed": 0,
    },
    "gates": {"max_accuracy_drop": 0.02, "min_sparsity": 0.85},
}
LONG = {"recipe": {"search": "iterative", "levels": 20, "training": {"length": "200ep"}, "seed": 1}}


def main() -> int:
    program = find_chromium()
    if program is None:
        print("expected chromium on PATH, got none: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "home") as url,
        Client(url) as client,
        browsing(program) as browser,
    ):
        done = client.wait(client.submit(SUBMISSION)["id"])
        if done["state"] != "succeeded":
            raise RuntimeError(f"expected the job to succeed, got {done['state']}: {done['error']}")
        running = client.submit(SUBMISSION | LONG | {"name": "lenet-digits, twenty levels"})
        for event in client.events(running["id"]):
            if event["type"] == "job.level_completed" and event["data"]["level"] >= 1:
                break
        (report,) = client.download(done["id"], folder, names=["report.html"])
        pages = {
            "index": f"{url}/",
            "job": f"{url}/jobs/{done['id']}",
            "job-running": f"{url}/jobs/{running['id']}",
            "report": report.as_uri(),
        }
        for name, address in pages.items():
            for scheme in ("light", "dark"):
                browser.visit(address, scheme=scheme, width=WIDTH)
                browser.screenshot(IMAGES / f"{name}-{scheme}.png")
                for complaint in browser.complaints():
                    print(f"{name} ({scheme}): {complaint}", file=sys.stderr)
        client.cancel(running["id"])
    print(f"{2 * len(pages)} images in {IMAGES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
