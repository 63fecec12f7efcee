"""What of Prefect's temporary server is held open for a while only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from flows.local.temporary_server import for_a_while


class Work:
    """Notes when it is opened and closed, and by which task."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, asyncio.Task[None] | None]] = []

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        self.notes.append(("opened", asyncio.current_task()))
        try:
            yield
        finally:
            self.notes.append(("closed", asyncio.current_task()))

    @property
    def course(self) -> list[str]:
        return [note for note, _ in self.notes]


def test_work_is_open_when_the_block_begins_and_closed_after_its_time() -> None:
    work = Work()

    async def use() -> None:
        async with for_a_while(work(), 0.01):
            assert work.course == ["opened"]
            async with asyncio.timeout(10):
                while len(work.course) < 2:
                    await asyncio.sleep(0.01)
        assert work.course == ["opened", "closed"]

    asyncio.run(use())


def test_work_is_closed_with_the_block_by_the_task_that_opened_it() -> None:
    work = Work()

    async def use() -> None:
        async with for_a_while(work(), 3600):
            pass

    asyncio.run(use())
    (_, opener), (last, closer) = work.notes
    assert (last, opener) == ("closed", closer)


def test_work_that_cannot_be_opened_is_told() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise ConnectionError("no redis")
        yield

    async def use() -> None:
        async with for_a_while(broken(), 1):
            pytest.fail("was never open")

    with pytest.raises(ConnectionError, match="no redis"):
        asyncio.run(use())
