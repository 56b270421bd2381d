"""The gateway's connection to Kafka: acknowledged by all replicas, in order, bounded in memory."""

from types import TracebackType
from typing import Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.errors import ConfigError, FlowError

LINGER_MS = 2
"""Long enough to fill batches, short against the 50 ms within which a partial is due."""
MAX_WAITING_RECORDS = 20_000
"""Records handed over since the last full acknowledgement; the client itself has no bound."""
DELIVERY_SECONDS = 120
"""How long a record is tried; a broker that is away longer ends the gateway for its supervisor."""


METADATA_SECONDS = 10
"""How long a topic is looked for."""


class DeliveryError(FlowError):
    """Kafka has not taken a record, or does not answer."""


class KafkaOutput:
    """Hands records to Kafka; the first one that Kafka refuses ends everything.

    Raises
    ------
    DeliveryError
        If no broker answers.
    """

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._waiting = 0
        self._failure: BaseException | None = None
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=bootstrap,
                client_id=client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=LINGER_MS,
                max_block_ms=METADATA_SECONDS * 1000,
                delivery_timeout_ms=DELIVERY_SECONDS * 1000,
                allow_auto_create_topics=False,
            )
        except KafkaError as error:
            raise DeliveryError(f"expected Kafka at {bootstrap}: {error!r}") from error

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has.

        Raises
        ------
        ConfigError
            If there is no such topic.
        """
        try:
            found = self._producer.partitions_for(topic)
        except KafkaError as error:
            raise ConfigError(
                f"expected the topic {topic} at {self._bootstrap}: {error!r}; "
                "forcedflow topics create makes it"
            ) from error
        return len(found)

    def send(self, topic: str, *, value: bytes, key: bytes | None, partition: int) -> None:
        """Hand over one record; wait where too many have not been acknowledged.

        Raises
        ------
        DeliveryError
            If Kafka has refused an earlier record.
        """
        self.check()
        try:
            sent = self._producer.send(topic, value=value, key=key, partition=partition)
        except KafkaError as error:
            raise DeliveryError(f"expected Kafka to take a record of {topic}: {error!r}") from error
        sent.add_errback(self._fail)
        self._waiting += 1
        if self._waiting >= MAX_WAITING_RECORDS:
            self.flush()

    def flush(self) -> None:
        """Return when all that was handed over is acknowledged.

        Raises
        ------
        DeliveryError
            If it was not.
        """
        try:
            self._producer.flush(timeout=DELIVERY_SECONDS)
        except KafkaError as error:
            raise DeliveryError(f"expected Kafka to acknowledge all records: {error!r}") from error
        self._waiting = 0
        self.check()

    def check(self) -> None:
        """Raise the first failure of what was handed over.

        Raises
        ------
        DeliveryError
            If Kafka has refused a record.
        """
        if self._failure is not None:
            raise DeliveryError(f"expected Kafka to acknowledge a record: {self._failure!r}")

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._producer.close(timeout=1 if error else DELIVERY_SECONDS)
