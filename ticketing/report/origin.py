"""How the level handed out came about, in the sentences that page and card say first; adds none of its own."""

from ticketing.report import words
from ticketing.report.structure import structure_sentence
from ticketing.report.target import target_sentence


def origin_sentences(report: words.Report) -> list[str]:
    """Give what there is to say: of a fork its parent, then structure, target, gradual pruning and budget."""
    said = (
        words.start_sentence(report),
        structure_sentence(report),
        target_sentence(report),
        words.gradual_sentence(report),
        words.budget_sentence(report),
    )
    return [sentence for sentence in said if sentence]
