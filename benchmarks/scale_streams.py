"""What 500 idle event streams cost the service: memory, and how fast it answers others meanwhile.

    .venv/bin/python benchmarks/scale_streams.py [--streams 500] [--seconds 20]

The service runs by itself with no slots; the streams watch jobs that wait. Memory is what the service's processes,
Redis left out, hold resident beyond what they held before. Writes benchmarks/results/scale_streams.json.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from circumstances import circumstances, load_now

from winnow import Client
from winnow.local import serving

RESULT = Path(__file__).parent / "results" / "scale_streams.json"
GOAL_MIB = 150
BODY = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative"},
}


def resident_mib(home: Path) -> float:
    """Add up what the processes hold whose command names the home folder."""
    pages = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(home).encode() in (folder / "cmdline").read_bytes():
                pages += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def stream(url: str, job_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream and read its first event."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    request = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/event-stream\r\n\r\n"
    writer.write(request.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.splitlines()[0]:
        raise RuntimeError(f"expected 200, got {head!r}")
    await reader.readuntil(b"job.queued")
    return reader, writer


def answer_seconds(url: str, path: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url + path) as answer:
        answer.read()
    return time.perf_counter() - began


async def measure(url: str, home: Path, ids: list[str], *, streams: int, seconds: float) -> dict[str, object]:
    before = resident_mib(home)
    opened = [await stream(url, ids[number % len(ids)]) for number in range(streams)]
    await asyncio.sleep(seconds)
    path = f"/v1/jobs/{ids[0]}"
    answers = [await asyncio.to_thread(answer_seconds, url, path) for _ in range(50)]
    held = resident_mib(home)
    alive = sum(not reader.at_eof() for reader, _ in opened)
    for _, writer in opened:
        writer.close()
    return {
        "streams": streams,
        "still_open": alive,
        "resident_mib_before": round(before, 1),
        "resident_mib_with_streams": round(held, 1),
        "cost_mib": round(held - before, 1),
        "goal_mib": GOAL_MIB,
        "met": held - before < GOAL_MIB,
        "get_job_ms_meanwhile": {
            "median": round(statistics.median(answers) * 1e3, 1),
            "highest": round(max(answers) * 1e3, 1),
            "n": len(answers),
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20.0, help="the streams stay idle for")
    options = parser.parse_args()
    load = load_now()
    with tempfile.TemporaryDirectory(prefix="winnow-streams-") as folder:
        home = Path(folder) / "home"
        with serving(home, slots="none") as url, Client(url) as client:
            ids = [client.submit(BODY)["id"] for _ in range(50)]
            for job_id in ids:  # caches filled before memory is looked at
                client.show(job_id)
            asyncio.run(measure(url, home, ids, streams=10, seconds=1))
            figures = asyncio.run(measure(url, home, ids, streams=options.streams, seconds=options.seconds))
    result = {
        **circumstances(load),
        **figures,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
