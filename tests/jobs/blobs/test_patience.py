"""jobs.blobs.patience: asked again after random pauses, for as long as was said, and never about what is settled."""

import time

import pytest
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError

from jobs.blobs import patience
from jobs.blobs.patience import Patience
from jobs.errors import StoreUnavailableError


class Failing:
    """Fails so many times."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.asked = error, times, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise self.error
        return "answer"


@pytest.mark.parametrize("error", [GenericError("503"), ConnectionResetError(), TimeoutError()])
def test_what_fails_a_few_times_is_answered(error: Exception) -> None:
    assert Patience(10)("read", Failing(error, 3)) == "answer"


def test_it_ends_when_the_time_is_over() -> None:
    began = time.monotonic()
    failing = Failing(GenericError("secret address"), 10**9)
    with pytest.raises(StoreUnavailableError, match="to read") as refused:
        Patience(0.5)("read", failing)
    assert time.monotonic() - began < 5
    assert failing.asked > 1
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("error", [AlreadyExistsError("there"), FileNotFoundError("gone")])
def test_what_is_settled_is_not_asked_again(error: Exception) -> None:
    failing = Failing(error, 10)
    with pytest.raises(type(error)):
        Patience(10)("read", failing)
    assert failing.asked == 1


def test_who_may_not_is_told_at_once() -> None:
    failing = Failing(PermissionDeniedError("no"), 10)
    with pytest.raises(StoreUnavailableError):
        Patience(10)("read", failing)
    assert failing.asked == 1


def test_pauses_grow_and_no_two_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", pauses.append)
    Patience(1000)("read", Failing(GenericError("503"), 40))
    assert len(set(pauses)) == 40
    assert max(pauses[:2]) <= 0.2
    assert 1 < max(pauses) <= patience.LONGEST_PAUSE_SECONDS
