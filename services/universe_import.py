"""Putting a version into the topic ``universe``: one import at a time, all of it or nothing.

Rows, commit, and the end of what is older than the last two versions are one transaction of Kafka.
All importers share its name, so Kafka ends the import of whoever began before another did; what one
has read after it began therefore stays true until it has ended.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    ProducerFencedError,
)

from core.errors import FlowError
from services.kafka_admin import KafkaUnreachableError, check_accepts
from services.kafka_closing import close_producer
from services.settings_base import KafkaSection
from services.universe_records import Commit, Lines, RowKey, digest, rows_of
from services.universe_topic import UniverseReader, universe_topic
from services.universe_versions import BrokenVersion, Versions, WholeVersion

_KEPT = 2
"""Versions that stay in the topic: the new one and the one it follows."""
_ANSWER_MS = 15_000
_DELIVERY_MS = 60_000
_CLOSE_SECONDS = 2.0
_READ_SECONDS = 0.5
_READ_POLLS = 60


class ImportLostError(FlowError):
    """Another import came in between; this one has left no trace."""


@dataclass(frozen=True)
class Standing:
    """What the topic holds.

    ``whole`` are the versions that can be used, the newest first; ``broken`` those committed after
    the newest of them; ``commit_offset`` is that of the last commit, -1 without any.
    """

    whole: tuple[WholeVersion, ...]
    broken: tuple[BrokenVersion, ...]
    commit_offset: int

    @property
    def newest(self) -> WholeVersion | None:
        """The version in force."""
        return self.whole[0] if self.whole else None

    @property
    def name(self) -> str:
        """What the version in force is called."""
        return self.newest.version if self.newest else "none that is whole"

    def is_settled(self, version: str) -> bool:
        """Say whether a version is in force and the last one that was committed."""
        return self.newest is not None and self.newest.version == version and not self.broken


def standing(kafka: KafkaSection) -> Standing:
    """Read what the topic holds.

    Raises
    ------
    KafkaUnreachableError, ConfigError
        If Kafka does not answer, or has no such topic.
    """
    with UniverseReader(kafka) as reader:
        reader.read()
        return _standing(reader.versions)


def import_version(
    kafka: KafkaSection, version: str, *, lines: Lines, origin: str, at: str, shown: Standing
) -> Commit:
    """Make a version the newest; return its commit.

    Parameters
    ----------
    lines : Lines         as `lines_of` makes them
    origin, at : str      where it comes from, and host time, RFC 3339
    shown : Standing      what it is to follow

    Raises
    ------
    ImportLostError
        If the topic holds something else by now, or another import began meanwhile.
    KafkaUnreachableError
        If Kafka does not take it.
    """
    with UniverseReader(kafka) as reader:
        with _transaction(kafka) as send:
            reader.read()
            now = _standing(reader.versions)
            if now.commit_offset != shown.commit_offset:
                raise ImportLostError(f"another version was imported meanwhile: {now.name}")
            commit = Commit(
                version=version,
                files={file: len(rows) - 1 for file, rows in lines.items()},
                sha256=digest(lines),
                imported_at=at,
                imported_from=origin,
                previous=now.newest.version if now.newest else None,
            )
            for key, value in _records(commit, lines, reader.versions).items():
                send(key, value)
        _wait_until_read(reader, after=now.commit_offset)
    return commit


def _wait_until_read(reader: UniverseReader, *, after: int) -> None:
    """Return once readers see a commit after that offset: Kafka says so before it is done.

    Raises
    ------
    KafkaUnreachableError
        If they do not in time.
    """
    for _ in range(_READ_POLLS):
        reader.wait(_READ_SECONDS)
        if _standing(reader.versions).commit_offset > after:
            return
    raise KafkaUnreachableError(
        f"expected the import to be read within {_READ_POLLS * _READ_SECONDS:g} s; "
        "import again to see what holds"
    )


def _standing(versions: Versions) -> Standing:
    committed = list(versions.committed())
    return Standing(
        whole=tuple(each for each in committed if isinstance(each, WholeVersion)),
        broken=tuple(
            each for each in takewhile(_is_broken, committed) if isinstance(each, BrokenVersion)
        ),
        commit_offset=max((each.offset for each in committed), default=-1),
    )


def _is_broken(found: WholeVersion | BrokenVersion) -> bool:
    return isinstance(found, BrokenVersion)


def _records(commit: Commit, lines: Lines, versions: Versions) -> Mapping[bytes, bytes | None]:
    """Return what is written, in order: rows, the commit, and None for each key that ends."""
    records: dict[bytes, bytes | None] = dict(rows_of(commit.version, lines))
    commit_key = RowKey(commit.version).encoded()
    kept = {commit.version}
    for found in versions.committed():
        if isinstance(found, WholeVersion) and len(kept) < _KEPT:
            kept.add(found.version)
    ended = [
        key
        for key, version in versions.keys().items()
        if version not in kept or (version == commit.version and key not in records)
    ]
    records[commit_key] = commit.encoded()
    # Commits first: even who reads what is not committed sees none without its rows.
    ended.sort(key=lambda key: b"|" in key)
    return records | {key: None for key in ended if key != commit_key}


@contextmanager
def _transaction(kafka: KafkaSection) -> Iterator[Callable[[bytes, bytes | None], None]]:
    """Give what sends a record; all are committed at the end of the block, or none."""
    check_accepts(kafka.bootstrap)
    producer: KafkaProducer | None = None
    try:
        producer = _producer(kafka)
        producer.init_transactions()
        producer.begin_transaction()
        sent = _Sent(producer, universe_topic(kafka))
        try:
            yield sent.send
            sent.wait()
        except KafkaError:
            # Kafka ends the transaction of who is fenced; the client would wait for that in vain.
            raise
        except BaseException:
            with suppress(KafkaError):
                producer.abort_transaction()
            raise
        producer.commit_transaction()
    except (InvalidProducerEpochError, ProducerFencedError) as error:
        raise ImportLostError("another import began meanwhile; nothing was imported") from error
    except KafkaError as error:
        raise KafkaUnreachableError(
            f"expected Kafka at {kafka.bootstrap} to take the import: {error!r}; "
            "import again to see what holds"
        ) from error
    finally:
        if producer is not None:
            close_producer(producer, timeout_seconds=_CLOSE_SECONDS)


class _Sent:
    """Records on their way; the first that Kafka refuses says why the others fail."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._futures: list[Any] = []

    def send(self, key: bytes, value: bytes | None) -> None:
        try:
            sent = self._producer.send(self._topic, key=key, value=value, partition=0)
        except KafkaError:
            self.wait()
            raise
        self._futures.append(sent)

    def wait(self) -> None:
        # Committing would wait too, but of a transaction that is lost for a minute, to no end.
        for future in self._futures:
            future.get(timeout=_DELIVERY_MS / 1000)


def _producer(kafka: KafkaSection) -> KafkaProducer:
    return KafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        client_id="forcedflow-universe-import",
        transactional_id=f"{universe_topic(kafka)}-import",
        acks="all",
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=_ANSWER_MS,
        max_block_ms=_ANSWER_MS,
        delivery_timeout_ms=_DELIVERY_MS,
    )
