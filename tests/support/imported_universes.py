"""Universes put into Kafka as `forcedflow universe import` does, and compared whole."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
from kafka import KafkaProducer
from msgspec.structs import replace

from services.settings_base import KafkaSection
from services.topics_admin import create_topics
from services.universe_import import import_version, standing
from services.universe_records import Commit, RowKey, digest, lines_of, rows_of
from services.universe_tables import read_folder
from streams.topics import TOPICS, UNIVERSE
from tests.support.kafka_reader import records_of

IMPORTED_AT = "2026-06-22T18:00:00+00:00"


def import_universe(bootstrap: str, directory: Path, *, prefix: str = "") -> Commit:
    """Make a folder's universe the newest version of the topic; return its commit."""
    kafka = KafkaSection(bootstrap=bootstrap, topics_prefix=prefix)
    tables = read_folder(directory)
    return import_version(
        kafka,
        tables.version,
        lines=lines_of(tables),
        origin=str(directory),
        at=IMPORTED_AT,
        shown=standing(kafka),
    )


def version_records(directory: Path, **changes: object) -> dict[bytes, bytes | None]:
    """Return the records of a folder's version as an import writes them, the commit last.

    `changes` are those of the commit.
    """
    tables = read_folder(directory)
    lines = lines_of(tables)
    commit = Commit(
        version=tables.version,
        files={file: len(rows) - 1 for file, rows in lines.items()},
        sha256=digest(lines),
        imported_at=IMPORTED_AT,
        imported_from=str(directory),
    )
    records: dict[bytes, bytes | None] = dict(rows_of(tables.version, lines))
    return records | {commit_key(tables.version): replace(commit, **changes).encoded()}


def commit_key(version: str) -> bytes:
    """Return the key of a version's commit."""
    return RowKey(version).encoded()


def append(bootstrap: str, records: Mapping[bytes, bytes | None], *, prefix: str = "") -> None:
    """Append records to the topic, one by one, as no import would."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    try:
        for key, value in records.items():
            producer.send(f"{prefix}{UNIVERSE}", key=key, value=value, partition=0)
        producer.flush()
    finally:
        producer.close()


def leaves(content: object, place: str = "universe") -> dict[str, object]:
    """Return what a value is made of, by place; two values are equal if these are.

    Arrays are told by type and bytes, so that NaN equals NaN.
    """
    if isinstance(content, np.ndarray):
        return {place: (content.dtype.str, content.shape, content.tobytes())}
    if is_dataclass(content):
        parts = {field.name: getattr(content, field.name) for field in fields(content)}
    elif isinstance(content, Mapping):
        parts = {f"{number} {key}": part for number, (key, part) in enumerate(content.items())}
    elif isinstance(content, tuple | list):
        parts = {str(number): part for number, part in enumerate(content)}
    else:
        return {place: content}
    return {place: len(parts)} | {
        inner: leaf
        for name, part in parts.items()
        for inner, leaf in leaves(part, f"{place}.{name}").items()
    }


def make_universe_topic(bootstrap: str, prefix: str = "") -> KafkaSection:
    """Make the topic; return where it is."""
    specs = [spec for spec in TOPICS if spec.name == UNIVERSE]
    create_topics(bootstrap, prefix=prefix, specs=specs)
    return KafkaSection(bootstrap=bootstrap, topics_prefix=prefix)


def held_records(kafka: KafkaSection) -> dict[bytes, bytes]:
    """Return what the topic holds once it is compacted, key -> value."""
    held: dict[bytes, bytes] = {}
    for record in records_of(kafka.bootstrap, f"{kafka.topics_prefix}{UNIVERSE}"):
        held.pop(record.key, None)
        if record.value is not None:
            held[record.key] = record.value
    return held
