"""A child that keeps the contract of `ticketing.folder` without training: levels of timed steps, stdlib alone.

Executed as `python -I -c SOURCE run|inspect|verify FOLDER`. `recipe.json` says what it does:
levels, and optionally steps (of each level), step_seconds; checkpoint_at: a step of each level; artifact_bytes;
attack: die, eat, hang, or stall and hold (the interpreter for hold_seconds in one go), both after the first step;
dropped: numbers of checkpoints whose files are gone by the time they are told of.
Every step is printed, so that the log tells which were made by which attempt.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

SUMMARY = {"shape": [1, 8, 8], "classes": 10, "splits": {"train": 1437, "test": 360}, "fingerprint": "f" * 64}
DIGITS = {"do": "ready", "found": {"summary": SUMMARY}}
"""For a builtin dataset, which brings no upload."""

asked_to_stop = False


def say(word, **data):
    os.write(3, json.dumps({"type": word, "data": data}).encode() + b"\n")


def stop(number, frame):
    global asked_to_stop
    asked_to_stop = True


def save(folder, number, done, level, step, dropped=()):
    """Checkpoint: what is done and where it goes on."""
    name = f"{number:06d}.safetensors"
    content = json.dumps({"done": done, "level": level, "step": step}).encode()
    path = folder / "checkpoint" / name
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    path.with_suffix(".done").write_text(sha256 + "\n")
    where = {"replicate": 0, "stage": "search", "branch": "ticket", "level": level, "step": step}
    if number in dropped:
        path.unlink()
    say("checkpoint_saved", number=number, file=name, sha256=sha256, bytes=len(content), where=where)


def newest(folder):
    """Read the newest checkpoint whose marker fits, falling back one; the first number is that of the newest marker."""
    markers = sorted((folder / "checkpoint").glob("*.done"), reverse=True)
    for marker in markers:
        file = marker.with_suffix(".safetensors")
        content = file.read_bytes() if file.exists() else b""
        if hashlib.sha256(content).hexdigest() == marker.read_text().strip():
            return int(markers[0].stem), int(marker.stem), json.loads(content)
    return int(markers[0].stem) if markers else 0, None, {"done": [], "level": 0, "step": 0}


def hold(seconds):
    """Keep the interpreter to one thread for so long in one go: nothing else of this process runs meanwhile."""
    exponent, took = 1 << 20, 0.0
    while took < seconds:
        began = time.monotonic()
        3**exponent
        took, exponent = time.monotonic() - began, exponent * 2
    print(f"held {took:.1f}", flush=True)


def run(folder, recipe):
    if recipe.get("attack") == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if recipe.get("attack") == "eat":
        print(len([bytearray(1 << 20) for _ in range(1 << 16)]))
    if recipe.get("attack") == "hang":
        time.sleep(600)
    number, found, state = newest(folder)
    where = {"replicate": 0, "stage": "search", "branch": "ticket", "level": state["level"], "step": state["step"]}
    resumed = {"checkpoint": found, "where": where} if found else None
    say("started", resumed_from=resumed, execution_key={"device": "none"}, torch="none")
    done, step, steps = state["done"], state["step"], recipe.get("steps", 3)
    for level in range(state["level"], recipe["levels"]):
        say("phase", phase="train_level")
        while step < steps:
            time.sleep(recipe.get("step_seconds", 0.01))
            print(f"step {level} {step}", flush=True)
            step += 1
            say("progress", fraction=(level + step / steps) / recipe["levels"], level=level, step=step)
            if (level, step) == (0, 1) and recipe.get("attack") == "stall":
                time.sleep(600)
            if (level, step) == (0, 1) and recipe.get("attack") == "hold":
                hold(recipe["hold_seconds"])
            if asked_to_stop:
                save(folder, number + 1, done, level, step)
                sys.exit(5)
            if step == recipe.get("checkpoint_at"):
                number += 1
                save(folder, number, done, level, step)
        counts = {"kept": 100 - level, "total": 100, "sparsity": level / 100}
        say("mask_drawn", replicate=0, level=level, layers={"w": 100 - level}, **counts)
        say("level_completed", replicate=0, level=level, validation_accuracy=0.5, **counts)
        done, step, number = [*done, level], 0, number + 1
        save(folder, number, done, level + 1, 0, dropped=recipe.get("dropped", ()))
    made = json.dumps({"done": done}).encode().ljust(recipe.get("artifact_bytes", 0))
    (folder / "out" / "report.json").write_bytes(made)
    files = {"report.json": {"sha256": hashlib.sha256(made).hexdigest(), "bytes": len(made)}}
    say("finished", summary={"level": recipe["levels"] - 1, "sparsity": 0.1, "flops": 1.0}, files=files)


def inspect(folder):
    """Do what the upload says, which is JSON here: ready, refuse, die, or say nothing of what was found."""
    upload, weights = folder / "data/upload.npz", folder / "model/model.safetensors"
    is_data = not weights.exists()
    uploaded = [file for file in (upload, weights) if file.exists()]
    told = json.loads(uploaded[0].read_text()) if uploaded else DIGITS
    if told["do"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if told["do"] == "refuse":
        say("failed", code="bad_upload", detail="row 7 holds NaN")
        sys.exit(4)
    if is_data and told["do"] == "ready":
        (folder / "data/data.safetensors").write_text("canonical")
    say("inspected", warnings=[], **(told["found"] if told["do"] == "ready" else {}))


def verify(folder, recipe):
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "out").iterdir()}
    say("verified", files=digests)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    verb, place = sys.argv[1], Path(sys.argv[2])
    if verb == "inspect":
        inspect(place)
    else:
        {"run": run, "verify": verify}[verb](place, json.loads((place / "recipe.json").read_text()))
