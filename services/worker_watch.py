"""A look at a worker's logs each second: how far behind it is, and whether it still reads."""

import asyncio
from collections import Counter
from collections.abc import Callable

import faust
from faust.types import TP

from services.clock import Clock
from streams.dead_letters import DeadLetters
from streams.intake import Intake
from streams.metric_registry import Metrics

EVERY_SECONDS = 1.0
STUCK_SECONDS = 60.0
"""A client that hands nothing out for so long while records wait does not come back by itself."""
SHORT_LOOKS = 3
"""Looks in a row that a log has to be shorter than what was read: one may be before the fetch."""


class WorkerWatch:
    """Shows the lag; ends a worker whose client is stuck, or whose log was replaced under it.

    ``on_failure`` is called with the reason.
    """

    def __init__(
        self,
        app: faust.App,
        intake: Intake,
        *,
        letters: DeadLetters,
        metrics: Metrics,
        clock: Clock,
        on_failure: Callable[[str], None],
    ) -> None:
        self._app = app
        self._intake = intake
        self._letters = letters
        self._metrics = metrics
        self._clock = clock
        self._on_failure = on_failure
        self._short: Counter[TP] = Counter()
        self._none_waited_at = clock.monotonic()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        behind = [
            TP(name, number)
            for name, topic in self._intake.topic_of.items()
            for number in list(self._intake.partitions)
            if self._lag(TP(name, number), topic) > 0
        ]
        now = self._clock.monotonic()
        if not behind:
            self._none_waited_at = now
        # A record that ends a long silence has not waited for as long as that.
        idle_seconds = now - max(self._intake.last_batch_at, self._none_waited_at)
        if idle_seconds > STUCK_SECONDS and await self._is_stuck(behind):
            self._on_failure(f"no batch for {idle_seconds:.0f} s while records wait")

    def _lag(self, tp: TP, topic: str) -> int:
        consumer = self._app.consumer
        done = self._intake.next_offset(tp)
        if done is None or tp not in consumer.assignment():
            return 0
        end = consumer.highwater(tp)
        self._compare(tp, done, end)
        lag = max((end or 0) - done, 0)
        gauge = self._metrics.gauge("forcedflow_consumer_lag_records", topic, str(tp.partition))
        gauge.set(lag)
        return lag

    def _compare(self, tp: TP, done: int, end: int | None) -> None:
        """Notice a log that ends before what was read of it: its records would all be skipped."""
        if end is None or end >= done or self._app.rebalancing:
            self._short.pop(tp, None)
            return
        self._short[tp] += 1
        if self._short[tp] >= SHORT_LOOKS:
            self._on_failure(
                f"{tp.topic}/{tp.partition} ends at {end}, {done} was expected: the log is another"
            )

    async def _is_stuck(self, behind: list[TP]) -> bool:
        """Say whether records of some logs were not even handed out; markers of tails never are."""
        consumer = self._app.consumer
        if self._app.rebalancing or not self._letters.has_room:
            return False
        for tp in behind:
            position = await consumer.position(tp)
            if position is not None and position < consumer.highwater(tp):
                return True
        return False
