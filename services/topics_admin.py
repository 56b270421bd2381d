"""Making the topics, and checking that those that exist are as they have to be."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from core.errors import FlowError
from streams.topics import INPUTS, TOPICS, TopicSpec

_BOOTSTRAP_MS = 5_000
_CONNECT_SECONDS = 2.0


class KafkaUnreachableError(FlowError):
    """Kafka does not answer, or not what was asked."""


def create_topics(
    bootstrap: str, *, prefix: str = "", replication: int = 1, specs: Sequence[TopicSpec] = TOPICS
) -> list[str]:
    """Make the topics that do not exist; return their names once each has its leaders.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer or refuses.
    """
    with _admin(bootstrap) as admin:
        existing = {topic["name"] for topic in admin.describe_topics()}
        wanted = {
            f"{prefix}{spec.name}": {
                "num_partitions": spec.partitions,
                "replication_factor": replication,
                "configs": dict(spec.config),
            }
            for spec in specs
            if f"{prefix}{spec.name}" not in existing
        }
        if wanted:
            admin.create_topics(wanted, wait_for_metadata=True)
    return list(wanted)


@dataclass(frozen=True)
class TopicFindings:
    """What is not as it has to be, a line each.

    ``broken``: topics that are missing, or inputs with other partitions, so that references would
    fall apart; ``unlike``: what differs otherwise, which an operator may have meant.
    """

    broken: list[str]
    unlike: list[str]


def check_topics(
    bootstrap: str, *, prefix: str = "", specs: Sequence[TopicSpec] = TOPICS
) -> TopicFindings:
    """Compare topics with what they have to be.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    """
    with _admin(bootstrap) as admin:
        partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        names = [f"{prefix}{spec.name}" for spec in specs]
        configs = _configs(admin, [name for name in names if name in partitions])
    broken: list[str] = []
    unlike: list[str] = []
    for spec, name in zip(specs, names, strict=True):
        if name not in partitions:
            broken.append(f"topic {name}: there is none; forcedflow topics create makes it")
        elif partitions[name] != spec.partitions:
            (broken if spec.name in INPUTS else unlike).append(
                f"topic {name}: expected {spec.partitions} partitions, it has {partitions[name]}"
            )
        unlike += [
            f"topic {name}: expected {key}={wanted}, it was {configs[name].get(key)}"
            for key, wanted in spec.config.items()
            if name in configs and configs[name].get(key) != wanted
        ]
    return TopicFindings(broken, unlike)


def _configs(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:  # noqa: ANN401
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in settings.items()}
        for name, settings in found.items()
    }


@contextmanager
def _admin(bootstrap: str) -> Iterator[Any]:
    # The client would try for long, and leaves its sockets open when it gives up.
    if not any(_accepts(server.strip()) for server in bootstrap.split(",")):
        raise KafkaUnreachableError(f"expected Kafka at {bootstrap}: nothing accepts connections")
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=_BOOTSTRAP_MS)
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise KafkaUnreachableError(f"expected Kafka at {bootstrap}: {error!r}") from error


def _accepts(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True
