"""Keeping the curves of options up to date between two batches, a slice at a time."""

import asyncio
from collections.abc import Callable, Mapping

from streams.partition import Partition

IDLE_SECONDS = 0.1
"""Between two looks whether any curve is due."""


class OptionRefresh:
    """Makes the curves of the owned partitions anew as time passes and contracts change.

    ``on_touch`` is called when figures have changed.
    """

    def __init__(
        self, partitions: Mapping[int, Partition], *, on_touch: Callable[[], None]
    ) -> None:
        self._partitions = partitions
        self._on_touch = on_touch

    async def run(self) -> None:
        """Refresh until cancelled; the loop has its turn after each slice."""
        while True:
            is_busy = False
            for partition in list(self._partitions.values()):
                options = partition.book.options
                if options.has_contracts.any():
                    was_busy = options.is_busy
                    is_busy |= options.refresh()
                    if was_busy:
                        partition.is_touched = True
                        self._on_touch()
                    await asyncio.sleep(0)
            await asyncio.sleep(0 if is_busy else IDLE_SECONDS)
