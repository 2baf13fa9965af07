"""The entry point of one worker process: `python -m workers slot` waits for jobs, `probe` says how they are held."""

import argparse
import json
import os
import sys
from dataclasses import asdict

from jobs import logs
from jobs.settings import Settings
from ticketing.errors import WinnowError
from workers.probe import probe
from workers.process import hide
from workers.sandbox import Device, Sandbox, SandboxError, refuse_readable

TICKETING = (sys.executable, "-I", "-m", "ticketing")
"""Executes a verb on a folder with the installed package, which the interpreter finds and not the current folder."""
REFUSED = 78
"""Exit status: starting again would be refused again."""
_LEVELS = ("none", "rlimits", "landlock", "container")


def main(arguments: list[str] | None = None) -> int:
    """Be one slot, or say which sandbox holds here; give the exit status."""
    options = _parser().parse_args(arguments)
    settings = Settings()
    logs.configure(settings.log_format, process=f"{options.kind}-{options.index}")
    try:
        if options.verb == "slot":
            return _slot(settings, options)
        print(json.dumps(asdict(_sandbox(settings))))
    except WinnowError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return REFUSED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("verb", choices=("slot", "probe"))
    parser.add_argument("--kind", choices=("cpu", "gpu", "inspect"), default="cpu")
    parser.add_argument("--index", type=int, default=0, help="which slot of its kind")
    parser.add_argument("--gpu", help="what CUDA calls the GPU of a gpu slot; absent: its index")
    parser.add_argument("--threads", type=int, default=1, help="of one child")
    parser.add_argument("--child", type=json.loads, default=TICKETING, help="command of a child, as a JSON list")
    return parser


def _slot(settings: Settings, options: argparse.Namespace) -> int:
    hide()
    if settings.redis_url is None:
        raise SandboxError("expected the address of a broker in WINNOW_REDIS_URL, got none")
    sandbox = _sandbox(settings)
    device = Device("gpu" if options.kind == "gpu" else "cpu", options.index, options.threads, options.gpu)
    # Celery and SQLAlchemy take longer to load than all of `probe`, which needs neither.
    from workers.compose import run_slot

    return run_slot(
        settings, settings.redis_url, sandbox=sandbox, kind=options.kind, device=device, command=options.child
    )


def _sandbox(settings: Settings) -> Sandbox:
    """Find the sandbox that holds here.

    Raises:
        SandboxError: It is weaker than the operator asks for, or the home lies where every job may read.
    """
    refuse_readable(settings.home)
    settings.paths.make()
    if os.geteuid() == 0:
        # A child that becomes another user must reach its own folder; it may not list these two.
        for folder in (settings.home, settings.paths.attempts):
            folder.chmod(0o711)
    sandbox = probe(settings.paths.attempts)
    if _LEVELS.index(sandbox.level) < _LEVELS.index(settings.sandbox_minimum):
        tried = "; ".join(sandbox.warnings) or "nothing stronger is known here"
        raise SandboxError(f"expected a sandbox of level {settings.sandbox_minimum}, got {sandbox.level} ({tried})")
    return sandbox


if __name__ == "__main__":
    sys.exit(main())
