"""The topic of dead letters, read from a time on to the end that it had when it was opened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import TopicPartition

from core.errors import FlowError
from services.clock import Clock
from services.dead_letter_records import Letter, read_letter
from services.kafka_admin import KafkaUnreachableError, kafka_reader

_POLL_MS = 200
_SILENCE_SECONDS = 15.0
"""Longest wait for the next records of a log that has not ended."""

Progress = Callable[[int, int], None]
"""Told how many records were read, and of how many."""


class LetterLog:
    """The letters up to a noted end: read twice, it yields the same.

    At most a few hundred letters are in memory at once.
    """

    def __init__(self, consumer: Any, topic: str, *, clock: Clock) -> None:  # noqa: ANN401
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise FlowError(f"topic {topic}: there is none; forcedflow topics create makes it")
        self._consumer = consumer
        self._clock = clock
        self._logs = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(self._logs)
        self._ends: dict[Any, int] = consumer.end_offsets(self._logs)

    def read(
        self, *, since_ms: int | None = None, progress: Progress | None = None
    ) -> Iterator[Letter]:
        """Yield the letters in the order written, from a time of writing on.

        Raises
        ------
        KafkaUnreachableError
            If Kafka stops answering.
        """
        starts = self._starts(since_ms)
        for log, offset in starts.items():
            self._consumer.seek(log, offset)
        total = sum(self._ends[log] - offset for log, offset in starts.items())
        done = 0
        last_at = self._clock.monotonic()
        while any(self._consumer.position(log) < self._ends[log] for log in self._logs):
            found = self._consumer.poll(_POLL_MS)
            for log, records in found.items():
                for record in records:
                    if record.offset < self._ends[log]:
                        done += 1
                        yield read_letter(record)
            if progress is not None:
                progress(min(done, total), total)
            if found:
                last_at = self._clock.monotonic()
            elif self._clock.monotonic() - last_at > _SILENCE_SECONDS:
                raise KafkaUnreachableError(
                    f"expected the rest of {self._logs[0].topic}: Kafka has sent nothing for "
                    f"{_SILENCE_SECONDS:g} s"
                )

    def _starts(self, since_ms: int | None) -> dict[Any, int]:
        earliest: dict[Any, int] = self._consumer.beginning_offsets(self._logs)
        if since_ms is None:
            return earliest
        found = self._consumer.offsets_for_times(dict.fromkeys(self._logs, since_ms))
        return {
            log: self._ends[log] if found[log] is None else found[log].offset for log in self._logs
        }


@contextmanager
def letter_log(bootstrap: str, topic: str, *, clock: Clock) -> Iterator[LetterLog]:
    """Open the topic for the length of a block.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    FlowError
        If there is no such topic.
    """
    with kafka_reader(bootstrap) as consumer:
        yield LetterLog(consumer, topic, clock=clock)
