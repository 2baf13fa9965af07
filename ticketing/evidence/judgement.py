"""What the evidence says of each level: verdicts on the test split, and who stopped earlier; trains nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any, Literal

from ticketing.certificate.looks import confidence_of
from ticketing.certificate.verdict import Certificate, certificate_json, certify, geometric_mean
from ticketing.evidence.testing import correct_answers
from ticketing.journal.journal import Journal
from ticketing.journal.results import Result, curve_of, first_step_at
from ticketing.journal.where import Where
from ticketing.recipe import Evidence
from ticketing.seeds import derive

Bound = Literal["none", "at_least", "at_most", "undecided"]


@dataclass(frozen=True)
class Judge:
    """Reads certificate trainings out of a journal and says what they show."""

    journal: Journal
    evidence: Evidence
    seed: int
    """Of the recipe; the bootstrap's is derived from it."""
    examples: int
    """Of the test split."""
    predictions: int = 1
    """Of one example: one, or as many as a window of text has tokens."""

    def replicates(self, level: int) -> int:
        """Count the replicates that were trained whole at a level; at 0 those of the dense network."""
        branch = ("ticket", *self.evidence.controls)[-1] if level else "dense"
        tested = (Where(r, "certificate", branch, level).piece in self.journal.facts for r in count())
        return sum(takewhile(bool, tested))

    def certificate(self, level: int, *, moment: str = "best", replicates: int | None = None) -> Certificate:
        """Judge one level, at the minimum validation loss (`best`) or after the last update (`last`).

        By all its replicates, or by those before a number: what was seen at an earlier look.
        """
        n = self.replicates(level) if replicates is None else replicates
        answers = {
            branch: correct_answers(
                self.journal,
                branch=branch,
                level=0 if branch == "dense" else level,
                replicates=n,
                examples=self.examples,
                predictions=self.predictions,
                moment=moment,
            )
            for branch in ("ticket", "dense", *self.evidence.controls)
        }
        return certify(
            answers["ticket"],
            answers["dense"],
            {control: answers[control] for control in self.evidence.controls},
            tolerance=self.evidence.tolerance,
            seed=derive(self.seed, 0, "bootstrap", level, moment),
            confidence=confidence_of(self.evidence.looks),
        )

    def looks(self, level: int) -> list[dict[str, Any]]:
        """List what was seen at every look at a level, the last one included."""
        taken = [n for n in self.evidence.looks if n <= self.replicates(level)]
        return [{"n": n, "verdict": self.certificate(level, replicates=n).verdict} for n in taken]

    def accuracies(self, branch: str, level: int) -> dict[str, Any]:
        """Give a branch's test accuracies at the minimum validation loss, one per replicate of a level.

        The dense network stands beside every level, with as many replicates as that level has.
        """
        correct = correct_answers(
            self.journal,
            branch=branch,
            level=0 if branch == "dense" else level,
            replicates=self.replicates(level),
            examples=self.examples,
            predictions=self.predictions,
        )
        values = [float(accuracy) for accuracy in correct.reshape(len(correct), -1).mean(axis=1)]
        return {"values": values, "mean": sum(values) / len(values), "n": len(values)}

    def early_stop(self, level: int) -> dict[str, Any]:
        """Compare when the validation loss was lowest, and how low: every branch over the ticket, geometric means."""
        n = self.replicates(level)
        tickets = self._results("ticket", level, n)
        against = {"dense": 0} | dict.fromkeys(self.evidence.controls, level)
        dense_losses = [result.loss for result in self._results("dense", 0, n)]
        return {
            "ticket_steps": [result.early_stop_step for result in tickets],
            "ticket_censored": [result.censored for result in tickets],
            "over_ticket": {branch: _ratios(self._results(branch, at, n), tickets) for branch, at in against.items()},
            "steps_to_dense_best": {
                branch: [
                    first_step_at(curve_of(self.journal.tensors[where.piece]["curve"]), loss)
                    for where, loss in zip(_places(branch, at, n), dense_losses, strict=True)
                ]
                for branch, at in {"ticket": level, **against}.items()
            },
        }

    def _results(self, branch: str, level: int, replicates: int) -> list[Result]:
        return [Result.from_json(self.journal.facts[w.piece]) for w in _places(branch, level, replicates)]


def certificate_of(judge: Judge, level: int) -> dict[str, Any]:
    """Write the certificate of the delivered level, with the last step and the early stops beside it."""
    evidence = judge.evidence
    best, last = judge.certificate(level), judge.certificate(level, moment="last")
    return {
        "level": level,
        "replicates_of": evidence.replicates_of,
        "tolerance": best.tolerance,
        "max_replicates": evidence.max_replicates,
        "looks": judge.looks(level),
        "resolution": best.resolution,
        "controls": list(evidence.controls),
        **certificate_json(best),
        "last_step": certificate_json(last),
        "early_stop": judge.early_stop(level),
    }


def _places(branch: str, level: int, replicates: int) -> list[Where]:
    return [Where(replicate, "certificate", branch, level) for replicate in range(replicates)]


def _ratios(others: Sequence[Result], tickets: Sequence[Result]) -> dict[str, Any]:
    pairs = list(zip(others, tickets, strict=True))
    # A network that is sure of every answer has a loss of exactly 0, over which nothing can be said.
    ratios = [other.loss / ticket.loss if other.loss and ticket.loss else None for other, ticket in pairs]
    known = [ratio for ratio in ratios if ratio is not None]
    return {
        "steps": [other.early_stop_step for other in others],
        "steps_ratio": geometric_mean([other.early_stop_step / ticket.early_stop_step for other, ticket in pairs]),
        "bound": _bound(any(other.censored for other in others), any(ticket.censored for ticket in tickets)),
        "minimum_loss_ratios": ratios,
        "minimum_loss_ratio": geometric_mean(known) if len(known) == len(ratios) else None,
    }


def _bound(other_censored: bool, ticket_censored: bool) -> Bound:
    """Say what a ratio other / ticket is when one of them might have gone on falling after the last update."""
    if other_censored and ticket_censored:
        return "undecided"
    return "at_least" if other_censored else "at_most" if ticket_censored else "none"
