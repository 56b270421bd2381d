"""Ending tasks for sure."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 1.0
"""How long a task may take to end before it is cancelled once more."""


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return when all have ended, whatever they ended with.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that comes when what it waits for has
    just ended, and redis-py waits so for each command that it sends: a loop that asks Redis again
    and again goes on as if nothing had been said, and has to be told again.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        ended, waiting = await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                # Or it would be logged as never looked at.
                task.exception()
