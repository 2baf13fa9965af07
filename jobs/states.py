"""The states of a job and what leads from one to the next, as data; performs nothing.

queued ──claim──> running ──succeed|fail──> succeeded | failed
  │ ^                │  │
  │ └──drain|lose────┘  └──cancel──> cancelling ──stop|lose|…──> cancelled
  └──cancel──> cancelled     └──refuse──> failed (its model or dataset was refused)

`cancelling` is a running job with a cancel requested: shown, never stored. A lost worker is not a state.
"""

from typing import Literal, get_args

State = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
Verb = Literal["claim", "cancel", "refuse", "succeed", "fail", "retry", "stop", "drain", "lose"]
"""claim: a slot takes it · cancel: a client asks · refuse: its model or dataset was refused · succeed, fail, retry,
stop: its worker says how the attempt ended · drain: its worker gives it back · lose: a sweep finds its lease over."""

STATES: tuple[State, ...] = get_args(State)
VERBS: tuple[Verb, ...] = get_args(Verb)
DONE: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})

TRANSITIONS: dict[tuple[State, Verb], State] = {
    ("queued", "claim"): "running",
    ("queued", "cancel"): "cancelled",
    ("queued", "refuse"): "failed",
    ("running", "cancel"): "cancelling",
    ("running", "succeed"): "succeeded",
    ("running", "fail"): "failed",
    ("running", "retry"): "queued",  # the third strike: failed
    ("running", "drain"): "queued",
    ("running", "lose"): "queued",  # the third strike: failed
    # A cancel that was answered wins over whatever comes after it.
    ("cancelling", "cancel"): "cancelling",
    ("cancelling", "stop"): "cancelled",
    ("cancelling", "fail"): "cancelled",
    ("cancelling", "retry"): "cancelled",
    ("cancelling", "drain"): "cancelled",
    ("cancelling", "lose"): "cancelled",
    # Cancelling twice: the same answer.
    ("cancelled", "cancel"): "cancelled",
}

CLIENT_VERBS: tuple[Verb, ...] = ("cancel",)
"""What a client may ask for."""


def shown(state: str, *, cancel_requested: bool) -> str:
    """Give the state a client sees for what is stored."""
    return "cancelling" if state == "running" and cancel_requested else state


def allowed(state: str) -> tuple[Verb, ...]:
    """List what a client may ask of a job in a shown state that would change it."""
    return tuple(v for v in CLIENT_VERBS if any(s == state and w == v and t != s for (s, w), t in TRANSITIONS.items()))
