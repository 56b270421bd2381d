"""Events at a steady rate into Kafka, as time passes."""

import random
from collections.abc import Sequence
from time import monotonic_ns

from aiokafka import AIOKafkaProducer

from bench.workload import REFERENCES, Market, symbols
from core.sessions import NANOS_PER_SECOND
from streams.topics import PARTITIONS, partition_of

EVENTS_A_SECOND = 20_000
WARM_SECONDS = 3.0
STEP_SECONDS = 0.002
"""How often what has fallen due is sent."""
_EVENT_STEP_NS = NANOS_PER_SECOND // EVENTS_A_SECOND


class Feed:
    """Events at a steady rate from now on; event time passes like time itself.

    What has fallen due is sent at once, in record batches of each partition. After the warm-up,
    each event carries the moment it fell due, so that no wait for the feed itself is left out.
    The events are of references chosen at random, of which the `first` so many have none.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, *, first: int = 0) -> None:
        self._producer = producer
        self._topic = topic
        self._first = first
        self._market = Market()
        self._opened_ns = self._market.event_ns
        self._partitions = [partition_of(symbol) for symbol in symbols()]
        self.started_ns = monotonic_ns()
        self._beats = 0
        self.sent = 0

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return (monotonic_ns() - self.started_ns) / NANOS_PER_SECOND

    async def send_due(self, extra: Sequence[tuple[int, float]] = ()) -> None:
        """Send what has fallen due since the last time, and `extra` prices by reference."""
        seconds = self.seconds
        values: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        for place in range(self.sent, int(seconds * EVENTS_A_SECOND)):
            number = random.randrange(self._first, REFERENCES)  # noqa: S311  only spreads events
            values[self._partitions[number]].append(self._event(number, place * _EVENT_STEP_NS))
            self.sent = place + 1
        for number, price in extra:
            values[self._partitions[number]].append(self._market.price_event(number, price))
        if seconds >= self._beats:
            self._beats += 1
            for each in values:
                each.append(self._market.heartbeat())
        for partition, each in enumerate(values):
            if each:
                await self._send(each, partition)

    async def _send(self, values: list[bytes], partition: int) -> None:
        batch = self._producer.create_batch()
        for value in values:
            if batch.append(key=None, value=value, timestamp=None) is None:
                await self._producer.send_batch(batch, self._topic, partition=partition)
                batch = self._producer.create_batch()
                batch.append(key=None, value=value, timestamp=None)
        await self._producer.send_batch(batch, self._topic, partition=partition)

    def _event(self, number: int, due_ns: int) -> bytes:
        self._market.event_ns = self._opened_ns + due_ns
        is_warm = due_ns >= WARM_SECONDS * NANOS_PER_SECOND
        stamp = self.started_ns + due_ns if is_warm else 0
        return self._market.price_event(number, 100.0 + number % 5, stamp)
