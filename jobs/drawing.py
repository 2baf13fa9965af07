"""The table of transitions as docs/jobs.md shows it; a test compares the two."""

from jobs.states import DONE, STATES, TRANSITIONS, State, Verb

ASKED_BY: dict[str, tuple[Verb, ...]] = {
    "a client asks": ("cancel", "pause", "resume"),
    "a slot or its worker says": ("claim", "succeed", "fail", "retry", "stop", "drain"),
    "the clock finds": ("lose", "overrun", "expire"),
    "otherwise": ("refuse", "requeue"),
}
"""Who brings a transition about. Every verb stands here once."""


def drawn() -> str:
    """Write the table: a row per state that has transitions, a column for each who brings them about."""
    lines = [
        f"| state | {' | '.join(ASKED_BY)} |",
        "|---|" + "---|" * len(ASKED_BY),
    ]
    for state in STATES:
        cells = [_cell(state, verbs) for verbs in ASKED_BY.values()]
        if any(cells):
            lines.append(f"| `{state}` | {' | '.join(cells)} |")
    done = ", ".join(f"`{state}`" for state in STATES if state in DONE)
    return "\n".join([*lines, "", f"{done} are done: nothing leads away from them.", ""])


def _cell(state: State, verbs: tuple[Verb, ...]) -> str:
    return "<br>".join(f"{verb} → `{TRANSITIONS[state, verb]}`" for verb in verbs if (state, verb) in TRANSITIONS)


if __name__ == "__main__":
    print(drawn(), end="")
