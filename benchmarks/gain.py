"""What removed channels and zeros gain under PyTorch and ONNX Runtime: ResNet-18, half of the channels, 90 % zeros.

    .venv/bin/python benchmarks/gain.py [--architecture resnet-18] [--threads 1] [--seconds 20]

Every second channel of every layer that may lose some is removed; the masked network has nine weights in ten at zero.
All three run in turns, as in the `gain` of a report. Writes benchmarks/results/gain.json.
"""

import argparse
import json
from pathlib import Path

import torch
from training_speed import machine

from ticketing.architectures import arguments_for
from ticketing.channels import channels_of
from ticketing.channels.slimming import slim_inventory, slim_module, slim_state
from ticketing.folder import ModelSpec
from ticketing.gain.measured import Candidate, gain
from ticketing.mask import Mask
from ticketing.report.gain import gain_sentences
from ticketing.subject import Subject, load_subject

RESULT = Path(__file__).parent / "results" / "gain.json"
KEPT = 0.1


def candidates(subject: Subject) -> dict[str, Candidate]:
    module, state, listed = subject.module, subject.initial_state, subject.inventory
    generator = torch.Generator().manual_seed(0)
    zeros = Mask({name: torch.rand(shape, generator=generator) < KEPT for name, shape in subject.shapes.items()})
    channels = channels_of(module, listed)
    kept = torch.arange(channels.count) % 2 == 0
    narrow = slim_inventory(listed, channels, kept)
    return {
        "dense": Candidate.of(module, state, listed),
        "masked": Candidate.of(module, zeros.applied_to(state), listed),
        "slim": Candidate.of(slim_module(module, channels, kept), slim_state(state, channels, kept), narrow),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="resnet-18")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each runtime and batch size")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name = options.architecture
    subject = load_subject(ModelSpec(architecture=name, arguments=arguments_for(name, {}), seed=0))
    found = gain(candidates(subject), subject.inventory, seconds=options.seconds)
    RESULT.write_text(json.dumps({"architecture": name, "machine": machine(), "gain": found}, indent=1) + "\n")
    for sentence in gain_sentences({"gain": found}):
        print(sentence)


if __name__ == "__main__":
    main()
