"""workers.outage: what was to be written is written as soon as the database is back, or found too late."""

import pytest
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from workers.outage import LeaseLateError, Patience, outlast

GONE = OperationalError("commit", {}, Exception("server closed the connection"))


class Database:
    """Answers with these, the last one again and again."""

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    "away", [GONE, InterfaceError("commit", {}, Exception("closed")), PoolTimeoutError("no connection is free")]
)
def test_it_asks_until_there_is_an_answer(away: Exception) -> None:
    database = Database(away, away, away, "written")
    assert outlast(database, too_late=lambda: False, sleep=lambda seconds: None) == "written"
    assert database.asked == 4


def test_it_waits_between_two_questions_and_not_in_step_with_others() -> None:
    pauses: list[float] = []
    outlast(Database(*[GONE] * 50, "written"), too_late=lambda: False, pause_seconds=3, sleep=pauses.append)
    assert len(set(pauses)) > 10
    assert all(1.9 < pause < 4.1 for pause in pauses)


def test_when_it_is_too_late_it_asks_no_more() -> None:
    database = Database(GONE)
    with pytest.raises(LeaseLateError):
        outlast(database, too_late=lambda: database.asked == 3, sleep=lambda seconds: None)
    assert database.asked == 3


def test_an_answer_that_came_counts_however_late_it_is() -> None:
    assert outlast(Database("written"), too_late=lambda: True) == "written"


def test_what_the_database_says_about_a_statement_is_no_outage() -> None:
    wrong = IntegrityError("insert", {}, Exception("duplicate key"))
    database = Database(wrong)
    with pytest.raises(IntegrityError):
        outlast(database, too_late=lambda: False, sleep=lambda seconds: None)
    assert database.asked == 1


def test_patience_is_endless_until_somebody_is_asked_to_stop_and_then_short() -> None:
    now, stopping = [0.0], [False]
    patience = Patience(lambda: stopping[0], 60, clock=lambda: now[0])
    now[0] = 1e6
    assert not patience.is_over()
    stopping[0] = True
    assert not patience.is_over()
    now[0] += 59
    assert not patience.is_over()
    now[0] += 1
    assert patience.is_over()
