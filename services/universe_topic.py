"""Reading the topic ``universe``: all of it, and what is added later.

The client is kafka-python's in a thread of the caller's: a version is thousands of records at
once, and neither their decoding nor the client's waiting belongs on an event loop.
"""

from types import TracebackType
from typing import Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from core.errors import ConfigError
from services.kafka_admin import KafkaUnreachableError, check_accepts
from services.settings_base import KafkaSection
from services.universe_versions import Versions
from streams.topics import UNIVERSE

ANSWER_MS = 5_000
"""How long an answer of Kafka is waited for."""
_POLL_MS = 200
_MAX_RECORDS = 5_000


class TopicReplacedError(KafkaUnreachableError):
    """The log ends before what was read of it: it is another one now."""


def universe_topic(kafka: KafkaSection) -> str:
    """Return the topic's name."""
    return f"{kafka.topics_prefix}{UNIVERSE}"


class UniverseReader:
    """The topic's records from the first on, only those of transactions that were committed.

    For one thread. ``versions`` is what they add up to so far.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer; so do all methods.
    ConfigError
        If there is no such topic.
    """

    def __init__(self, kafka: KafkaSection) -> None:
        self.versions = Versions()
        self._bootstrap = kafka.bootstrap
        topic = universe_topic(kafka)
        self._partition = TopicPartition(topic, 0)
        # A client that gives up its first attempt leaves its sockets open.
        check_accepts(kafka.bootstrap)
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=kafka.bootstrap,
                client_id="forcedflow-universe",
                isolation_level="read_committed",
                auto_offset_reset="none",
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=ANSWER_MS,
                max_poll_records=_MAX_RECORDS,
                metrics_enabled=False,
            )
        except KafkaError as error:
            raise self._unreachable(error) from error
        try:
            self._begin(topic)
        except BaseException:
            self.close()
            raise

    def read(self) -> bool:
        """Read on to what is the end now; say whether there was anything."""
        try:
            end = self._consumer.end_offsets([self._partition], timeout_ms=ANSWER_MS)
            return self._read_up_to(end[self._partition])
        except KafkaError as error:
            raise self._unreachable(error) from error

    def wait(self, seconds: float) -> bool:
        """Wait for more; if it comes read on to the end and return true."""
        try:
            if not self._poll(round(seconds * 1000)):
                return False
        except KafkaError as error:
            raise self._unreachable(error) from error
        self.read()
        return True

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close(timeout_ms=_POLL_MS)

    def _begin(self, topic: str) -> None:
        try:
            if 0 not in self._consumer.partitions_for_topic(topic):
                raise ConfigError(
                    f"expected the topic {topic} at {self._bootstrap}; "
                    "forcedflow topics create makes it"
                )
            self._consumer.assign([self._partition])
            first = self._consumer.beginning_offsets([self._partition], timeout_ms=ANSWER_MS)
            self._consumer.seek(self._partition, first[self._partition])
        except KafkaError as error:
            raise self._unreachable(error) from error

    def _read_up_to(self, end: int) -> bool:
        position = self._position()
        if end < position:
            raise TopicReplacedError(
                f"expected the topic to reach offset {position}, it ends at {end}"
            )
        was_read = False
        idle_ms = 0
        while self._position() < end:
            has_come = self._poll(_POLL_MS)
            was_read = was_read or has_come
            # Markers of transactions take offsets too and come to nobody.
            idle_ms = 0 if has_come else idle_ms + _POLL_MS
            if idle_ms >= ANSWER_MS:
                raise KafkaUnreachableError(
                    f"expected records up to offset {end} from {self._bootstrap}, "
                    f"none after {self._position()}"
                )
        return was_read

    def _poll(self, timeout_ms: int) -> bool:
        batches = self._consumer.poll(timeout_ms=timeout_ms)
        for record in batches.get(self._partition, ()):
            self.versions.apply(record.key, record.value, record.offset)
        return bool(batches)

    def _position(self) -> int:
        position = self._consumer.position(self._partition, timeout_ms=ANSWER_MS)
        return 0 if position is None else int(position)

    def _unreachable(self, error: KafkaError) -> KafkaUnreachableError:
        return KafkaUnreachableError(f"expected Kafka at {self._bootstrap}: {error!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
