"""Tasks that are to end, and do not all do so the first time."""

import asyncio

import pytest

from streams import cancelling
from streams.cancelling import end_tasks


async def loses(cancellations: int) -> None:
    """Go on for ever, also after so many cancellations."""
    for _ in range(cancellations):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def fails() -> None:
    raise ZeroDivisionError


async def test_who_loses_a_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "AGAIN_SECONDS", 0.01)
    tasks = [asyncio.create_task(loses(count)) for count in range(3)]
    await asyncio.sleep(0)

    await end_tasks(tasks)

    assert all(task.cancelled() for task in tasks)


async def test_who_has_ended_by_itself_holds_up_nobody() -> None:
    over = asyncio.create_task(fails())
    await asyncio.wait({over})

    await end_tasks([over])
    await end_tasks([])

    assert isinstance(over.exception(), ZeroDivisionError)
