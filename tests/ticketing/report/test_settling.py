"""ticketing.report.settling: what decided, what a threshold tells, and a picture of the distances."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ticketing.report import settling
from ticketing.report.settling import picture, section, settling_sentence

EPOCHS = 6


def report(*, uninformative: bool = False) -> dict[str, Any]:
    """Make a report of masks that move on by the same distance every epoch."""
    found = {
        "level": 1,
        "channel_sparsity": 0.5,
        "found": [EPOCHS],
        "epochs_watched": EPOCHS,
        "distance_by_chance": 0.5,
        "threshold_uninformative": uninformative,
        "deciding_distances": [0.1, 0.05],
        "distances": [[0.05 * abs(a - b) for b in range(EPOCHS)] for a in range(EPOCHS)],
    }
    return {
        "recipe": {"rule": "newest_vs_window", "window": 3, "threshold": 0.1},
        "levels": [{"channels": None}, {"channels": {}}],
        "cost": {
            "train_prune_retrain_over_delivered": 2.1,
            "delivered_flops": 1e12,
            "delivered_seconds": 20.0,
            "train_prune_retrain_seconds": 30.0,
        },
        "settling": [found],
    }


def test_the_sentence_says_what_train_prune_retrain_would_take() -> None:
    assert "2.10 times as many, and 1.50 times as long at the same pace." in settling_sentence(report())


def test_what_decided_is_shown_and_the_largest_of_it_over_chance() -> None:
    cells = re.findall("<td[^>]*>(.*?)</td>", section(report()))
    assert cells[2:] == ["epoch 6", "0.100, 0.050", "0.20", "0.500"]


@pytest.mark.parametrize("uninformative", [True, False])
def test_a_threshold_that_chance_would_meet_is_marked(uninformative: bool) -> None:
    assert ("(threshold tells little)" in section(report(uninformative=uninformative))) == uninformative


def test_the_picture_has_a_cell_for_every_two_epochs_and_is_darkest_where_masks_are_farthest() -> None:
    (found,) = report()["settling"]
    drawn = [float(opacity) for opacity in re.findall(r'class="distance".*?fill-opacity="(.*?)"', picture(found))]
    assert len(drawn) == EPOCHS**2
    first = drawn[:EPOCHS]
    assert (first[0], first[-1]) == (0.0, 1.0)
    assert all(nearer < farther for nearer, farther in pairwise(first))


def test_near_is_light_and_far_is_dark_whatever_the_scheme_of_the_page() -> None:
    sheet = (Path(settling.__file__).parent / "page.css").read_text()
    near, far = (re.findall(rf"svg\.matrix \.{name} {{ fill: (.*?); }}", sheet) for name in ("near", "distance"))
    assert (near, far) == (["#ffffff"], ["#1c2024"])
    assert 'class="near"' in picture(report()["settling"][0])
