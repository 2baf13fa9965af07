"""The early-bird tickets of early_bird_cifar10.py on a fifth of its images, with a VGG-11 instead of 16: for a CPU.

    WINNOW_DATA=... .venv/bin/python benchmarks/reproduce/early_bird_fifth.py --precision fp32 [--url URL] [--draw]

The first 10,000 images of the train split, in batches of 64: an epoch has 143 updates, not 358. All else is the same.
Writes benchmarks/results/reproduce/early_bird_fifth.{json,md} and early_bird_fifth-*.svg.
"""

from early_bird_cifar10 import Scale, reproduce

if __name__ == "__main__":
    assert __doc__
    reproduce(Scale("early_bird_fifth", batch_size=64, vgg="vgg-11-bn", examples=10_000), __doc__)
