"""The states of a job and what leads from one to the next, as data; performs nothing.

`pausing` and `cancelling` are a running job with a request set: shown, never stored. A lost worker is not a state.
docs/jobs.md draws this table.
"""

from typing import Literal, get_args

State = Literal["queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"]
Verb = Literal[
    "claim", "cancel", "pause", "resume", "refuse", "expire", "overrun",
    "succeed", "fail", "retry", "stop", "drain", "lose", "requeue",
]  # fmt: skip
"""claim: a slot takes it · cancel, pause, resume: a client asks · refuse: its model or dataset was refused · expire:
it was paused for too long · overrun: it waited or ran longer than it may · succeed, fail, retry, stop: its worker says
how the attempt ended · drain: its worker gives it back · lose: a sweep finds its lease over · requeue: an operator
takes it from its worker."""

STATES: tuple[State, ...] = get_args(State)
VERBS: tuple[Verb, ...] = get_args(Verb)
DONE: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})

TRANSITIONS: dict[tuple[State, Verb], State] = {
    ("queued", "claim"): "running",
    ("queued", "cancel"): "cancelled",
    ("queued", "pause"): "paused",
    ("queued", "refuse"): "failed",
    ("queued", "overrun"): "failed",
    ("running", "cancel"): "cancelling",
    ("running", "pause"): "pausing",
    ("running", "succeed"): "succeeded",
    ("running", "fail"): "failed",
    ("running", "overrun"): "failed",
    ("running", "retry"): "queued",  # the third strike: failed
    ("running", "stop"): "queued",  # told to pause, and taken back before it had stopped
    ("running", "drain"): "queued",
    ("running", "lose"): "queued",  # the third strike: failed
    ("running", "requeue"): "queued",
    ("pausing", "pause"): "pausing",
    ("pausing", "resume"): "running",
    ("pausing", "cancel"): "cancelling",
    ("pausing", "succeed"): "succeeded",
    ("pausing", "fail"): "failed",
    ("pausing", "overrun"): "failed",
    ("pausing", "retry"): "paused",
    ("pausing", "stop"): "paused",
    ("pausing", "drain"): "paused",
    ("pausing", "lose"): "paused",
    ("pausing", "requeue"): "paused",
    ("paused", "pause"): "paused",
    ("paused", "resume"): "queued",
    ("paused", "cancel"): "cancelled",
    ("paused", "refuse"): "failed",
    ("paused", "expire"): "cancelled",
    # A cancel that was answered wins over whatever comes after it.
    ("cancelling", "cancel"): "cancelling",
    ("cancelling", "stop"): "cancelled",
    ("cancelling", "fail"): "cancelled",
    ("cancelling", "overrun"): "cancelled",
    ("cancelling", "retry"): "cancelled",
    ("cancelling", "drain"): "cancelled",
    ("cancelling", "lose"): "cancelled",
    ("cancelling", "requeue"): "cancelled",
    # Cancelling twice: the same answer.
    ("cancelled", "cancel"): "cancelled",
}

CLIENT_VERBS: tuple[Verb, ...] = ("cancel", "pause", "resume")
"""What a client may ask for. Rerun and fork make another job, delete takes this one away: no transitions of it."""


def shown(state: str, *, cancel_requested: bool, pause_requested: bool = False) -> str:
    """Give the state a client sees for what is stored; a cancel outweighs a pause."""
    if state != "running" or not (cancel_requested or pause_requested):
        return state
    return "cancelling" if cancel_requested else "pausing"


def allowed(state: str) -> tuple[Verb, ...]:
    """List what a client may ask of a job in a shown state that would change it."""
    return tuple(v for v in CLIENT_VERBS if any(s == state and w == v and t != s for (s, w), t in TRANSITIONS.items()))
