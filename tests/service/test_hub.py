"""service.hub: one look for all who wait, nothing lost by those who are slow, nothing held by those who are idle."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from service.hub import QUEUE_LENGTH, Hub, Update, Watch


class Database:
    """What a look finds; counts the looks."""

    def __init__(self) -> None:
        self.state: dict[str, Update] = {}
        self.asked: list[dict[str, int | None]] = []
        self.away = False

    def look(self, seqs: Mapping[str, int | None]) -> Mapping[str, Update]:
        self.asked.append(dict(seqs))
        if self.away:
            raise ConnectionError
        return {thing: self.state[thing] for thing in seqs if thing in self.state}


@asynccontextmanager
async def _running(hub: Hub) -> AsyncIterator[None]:
    task = asyncio.create_task(hub.run())
    try:
        yield
    finally:
        task.cancel()


def test_a_watcher_is_told_the_state_and_then_every_change() -> None:
    async def scenario() -> None:
        database = Database()
        database.state["job_a"] = Update(version=1, done=False)
        hub = Hub(database.look)
        async with _running(hub):
            with hub.watch("job_a") as watch:
                assert await watch.next(5) == Update(version=1, done=False)
                database.state["job_a"] = Update(version=2, done=True)
                hub.nudge()
                assert await watch.next(5) == Update(version=2, done=True)

    asyncio.run(scenario())


def test_any_number_of_watchers_cost_one_look() -> None:
    async def scenario() -> None:
        database = Database()
        database.state = {f"job_{k}": Update(version=k, done=False) for k in range(50)}
        hub = Hub(database.look)
        watches = [hub.watch(f"job_{k % 50}") for k in range(500)]
        entered = [watch.__enter__() for watch in watches]
        async with _running(hub):
            for k, watch in enumerate(entered):
                found = await watch.next(5)
                assert found is not None
                assert found.version == k % 50
        assert len(database.asked) == 1
        for context in watches:
            context.__exit__(None, None, None)

    asyncio.run(scenario())


def test_nobody_watching_is_no_look() -> None:
    async def scenario() -> None:
        database = Database()
        hub = Hub(database.look)
        async with _running(hub):
            with hub.watch("job_a"):
                pass
            hub.nudge()
            await asyncio.sleep(0.02)
        assert database.asked == []

    asyncio.run(scenario())


def test_a_database_that_was_away_is_asked_again() -> None:
    async def scenario() -> None:
        database = Database()
        database.away = True
        database.state["job_a"] = Update(version=1, done=False)
        hub = Hub(database.look)
        async with _running(hub):
            with hub.watch("job_a") as watch:
                assert await watch.next(0.2) is None
                assert database.asked
                database.away = False
                hub.nudge()
                assert await watch.next(5) == Update(version=1, done=False)

    asyncio.run(scenario())


def test_a_late_watcher_gets_the_state_without_the_events_others_had() -> None:
    async def scenario() -> None:
        database = Database()
        database.state["job_a"] = Update(version=1, done=False, last_seq=3, events=({"seq": 3},))
        hub = Hub(database.look)
        async with _running(hub):
            with hub.watch("job_a") as first:
                assert await first.next(5) == database.state["job_a"]
                with hub.watch("job_a") as second:
                    assert await second.next(5) == Update(version=1, done=False, last_seq=3)

    asyncio.run(scenario())


def test_a_slow_reader_holds_a_bounded_queue_and_gets_the_newest() -> None:
    async def scenario() -> None:
        watch = Watch()
        for version in range(10 * QUEUE_LENGTH):
            watch.put(Update(version=version, done=False))
        versions = []
        while (update := await watch.next(0.001)) is not None:
            versions.append(update.version)
        assert len(versions) <= QUEUE_LENGTH
        assert versions[-1] == 10 * QUEUE_LENGTH - 1

    asyncio.run(scenario())


def test_a_nudge_makes_a_look_at_once_and_a_failing_listener_is_started_again() -> None:
    async def scenario() -> None:
        database = Database()
        rounds = 0

        async def nudges() -> AsyncIterator[None]:
            nonlocal rounds
            rounds += 1
            if rounds == 1:
                raise ConnectionError
            database.state["job_a"] = Update(version=7, done=False)
            yield None
            await asyncio.Event().wait()

        hub = Hub(database.look, nudges=nudges)
        async with _running(hub):
            with hub.watch("job_a") as watch:
                assert await watch.next(5) == Update(version=7, done=False)
        assert rounds == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", range(6))
def test_a_nudge_in_the_very_turn_of_its_end_does_not_keep_it(turns: int) -> None:
    async def scenario() -> None:
        hub = Hub(lambda seqs: {})
        running = asyncio.create_task(hub.run())
        await asyncio.sleep(0.01)
        hub.nudge()
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        _, late = await asyncio.wait([running], timeout=1)
        running.cancel()  # of a hub that went on
        assert not late

    asyncio.run(scenario())
