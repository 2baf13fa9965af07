"""How often the certificate says `winning` where nothing can have been won, and how often where something was.

    WINNOW_DATA=... python benchmarks/certificate_calibration.py [--draw]

Real: networks of which none can be a winning ticket (null_cases.py), trained on digits. Simulated: answers drawn with
the spread that was measured on such networks (spread.py), on digits and on MNIST. To be severe the dense network is
granted (tolerance 0.99), there is one control, and for a certificate that grows every look counts, whether or not it
would have been reached. Finished parts are kept in benchmarks/results/certificate_calibration.json and not done again;
the figure is certificate_calibration.svg.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from math import lgamma, log
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import calibration_figure
import null_cases
import spread

from ticketing.certificate.intervals import CONFIDENCE, student_interval
from ticketing.certificate.looks import confidence_of
from ticketing.certificate.verdict import Correct, certify

RESULT = Path(__file__).parent / "results/certificate_calibration.json"
REAL_CASES, REAL_N = 100, 5
SIMULATED_CASES, POWER_CASES = {"digits": 2000, "mnist": 800}, {"digits": 50, "mnist": 20}
FIXED, LOOKS = (3, 5, 10), (tuple(range(3, 6)), tuple(range(3, 11)))
GAINS = (0.005, 0.01)
GRANTED = 0.99
"""A tolerance that every ticket matches dense within."""
TOLERANCE = 0.005


def ever_wins(
    ticket: Correct, dense: Correct, controls: dict[str, Correct], looks: tuple[int, ...], tolerance: float
) -> bool:
    """Say whether the certificate says `winning` at any of its looks.

    A bound counts only if both intervals agree, so that it is asked only where Student t would say so.
    """
    confidence = confidence_of(looks) if len(looks) > 1 else CONFIDENCE
    own = ticket.mean(axis=1)
    least = [(own - dense.mean(axis=1), -tolerance), *((own - c.mean(axis=1), 0.0) for c in controls.values())]
    for n in looks:
        if all(student_interval(d[:n].tolist(), confidence)[0] > bound for d, bound in least):
            others = {name: rows[:n] for name, rows in controls.items()}
            found = certify(ticket[:n], dense[:n], others, tolerance=tolerance, seed=0, confidence=confidence)
            if found.verdict == "winning":
                return True
    return False


def rules(most: int) -> dict[str, tuple[int, ...]]:
    """Name the rules by when they look: once, or from one number to another."""
    fixed = {f"n = {n}": (n,) for n in FIXED if n <= most}
    return fixed | {f"n = {looks[0]} to {looks[-1]}": looks for looks in LOOKS if looks[-1] <= most}


def real_case(seed: int) -> dict[str, Any]:
    """Judge one real null case by every rule: with dense granted and one control, and as a job would."""
    answers = null_cases.trained(
        null_cases.DIGITS, seed=seed, replicates=REAL_N, data=None, controls=["shuffle", "reinit"]
    )
    ticket, dense = answers["ticket"], answers["dense"]
    shuffle, both = {"shuffle": answers["shuffle"]}, {c: answers[c] for c in ("shuffle", "reinit")}
    return {
        "seed": seed,
        "accuracy": {branch: rows.mean(axis=1).tolist() for branch, rows in answers.items()},
        "severe": {name: ever_wins(ticket, dense, shuffle, looks, GRANTED) for name, looks in rules(REAL_N).items()},
        "as_asked": {name: ever_wins(ticket, dense, both, looks, TOLERANCE) for name, looks in rules(REAL_N).items()},
    }


def measured(setting: null_cases.Setting, *, replicates: int) -> dict[str, Any]:
    """Measure the spread of a setting on one null case with many replicates."""
    data = Path(os.environ["WINNOW_DATA"]) if "WINNOW_DATA" in os.environ else None
    answers = null_cases.trained(setting, seed=10_000, replicates=replicates, data=data, controls=["shuffle"])
    return asdict(spread.fitted(answers["ticket"], answers["shuffle"]))


def simulated(of: spread.Spread, cases: int) -> dict[str, Any]:
    """Count `winning` among null cases drawn with a spread."""
    random, counts = np.random.default_rng(0), dict.fromkeys(rules(10), 0)
    for _ in range(cases):
        ticket, control = spread.drawn(of, random, n=10, ahead=(0.0, 0.0))
        for name, looks in rules(10).items():
            counts[name] += ever_wins(ticket, control, {"control": control}, looks, GRANTED)
    return {name: rate(count, cases) for name, count in counts.items()}


def power(of: spread.Spread, cases: int) -> dict[str, Any]:
    """Count `winning` where the ticket is ahead of its control by so much, and exactly as good as dense."""
    random, found = np.random.default_rng(1), {}
    once = {name: looks for name, looks in rules(10).items() if len(looks) == 1}
    for gain in GAINS:
        counts = dict.fromkeys(once, 0)
        for _ in range(cases):
            ticket, control, dense = spread.drawn(of, random, n=10, ahead=(gain, 0.0, gain))
            for name, looks in once.items():
                counts[name] += ever_wins(ticket, dense, {"control": control}, looks, TOLERANCE)
        found[f"+{100 * gain:g}"] = {name: rate(count, cases) for name, count in counts.items()}
    return found


def rate(count: int, of: int) -> dict[str, Any]:
    """Give a count with the 95 % interval of Clopper & Pearson (1934)."""
    low = 0.0 if count == 0 else _solve(lambda p: 1 - _at_most(count - 1, of, p), 0.025)
    high = 1.0 if count == of else _solve(lambda p: 1 - _at_most(count, of, p), 0.975)
    return {"winning": count, "of": of, "rate": count / of, "interval": [low, high]}


def _solve(rising: Callable[[float], float], target: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return low


def _at_most(count: int, of: int, p: float) -> float:
    """Give the probability of at most `count` of `of`, each with probability p."""
    if p in (0.0, 1.0):
        return 1.0 if p == 0.0 or count >= of else 0.0
    terms = (
        lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) + k * log(p) + (of - k) * log(1 - p)
        for k in range(count + 1)
    )
    return float(np.exp(np.fromiter(terms, float)).sum())


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true", help="compute nothing: the figure of what is kept")
    only_draw = parser.parse_args().draw
    kept: dict[str, Any] = json.loads(RESULT.read_bytes()) if RESULT.exists() else {"cases": []}

    def part(name: str, compute: Callable[[], Any]) -> None:
        if name not in kept and not only_draw:
            kept[name] = compute()
            keep(kept)

    # The cheapest first: whatever stops this, what is kept says something.
    part("spread_digits", lambda: measured(null_cases.DIGITS, replicates=10))
    part("simulated_digits", lambda: simulated(spread.Spread(**kept["spread_digits"]), SIMULATED_CASES["digits"]))
    part("spread_mnist", lambda: measured(null_cases.MNIST, replicates=10))
    part("simulated_mnist", lambda: simulated(spread.Spread(**kept["spread_mnist"]), SIMULATED_CASES["mnist"]))
    part("power_mnist", lambda: power(spread.Spread(**kept["spread_mnist"]), POWER_CASES["mnist"]))
    part("power_digits", lambda: power(spread.Spread(**kept["spread_digits"]), POWER_CASES["digits"]))
    for seed in range(len(kept["cases"]), 0 if only_draw else REAL_CASES):
        kept["cases"].append(real_case(seed))
        keep(kept)
    for kind in ("severe", "as_asked"):
        told = {
            name: rate(sum(case[kind][name] for case in kept["cases"]), len(kept["cases"])) for name in rules(REAL_N)
        }
        kept[f"real_{kind}"] = told
    keep(kept)
    RESULT.with_suffix(".svg").write_text(calibration_figure.figure(kept))
    print(json.dumps({name: value for name, value in kept.items() if name != "cases"}, indent=1))


def keep(kept: dict[str, Any]) -> None:
    """Write everything that is known, whole or not at all."""
    part = RESULT.with_suffix(".json.part")
    part.write_text(json.dumps(kept, indent=1) + "\n")
    part.rename(RESULT)


if __name__ == "__main__":
    main()
