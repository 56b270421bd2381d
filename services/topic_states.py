"""Topics as they are in Kafka."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import UnknownTopicOrPartitionError, for_code


@dataclass(frozen=True)
class TopicState:
    """One topic.

    Attributes
    ----------
    identity : str                   Kafka's id of it: made anew under its name, it is another
    partitions : int                 how many it has
    copies : int                     of the partition that has the fewest
    leaderless : tuple[int, ...]     partitions that nobody serves
    lagging : tuple[int, ...]        partitions of which a copy is behind or away
    config : mapping str -> str      every setting, its defaults included
    """

    identity: str
    partitions: int
    copies: int
    leaderless: tuple[int, ...]
    lagging: tuple[int, ...]
    config: Mapping[str, str]


def read_topics(admin: Any, names: Iterable[str]) -> dict[str, TopicState]:  # noqa: ANN401
    """Return those of the topics that exist, by name, in the order asked for.

    Parameters
    ----------
    admin : kafka.KafkaAdminClient

    Raises
    ------
    kafka.errors.KafkaError
        If Kafka does not answer, or does not show one of them.
    """
    wanted = list(names)
    found = {topic["name"]: topic for topic in admin.describe_topics(wanted)}
    there = [name for name in wanted if _exists(found[name])]
    configs = _configs(admin, there)
    return {name: _state(found[name], configs[name]) for name in there}


def _exists(topic: Mapping[str, Any]) -> bool:
    error = for_code(topic["error_code"])
    if topic["error_code"] and error is not UnknownTopicOrPartitionError:
        raise error(f"topic {topic['name']}")
    return bool(topic["partitions"])


def _state(topic: Mapping[str, Any], config: Mapping[str, str]) -> TopicState:
    partitions: Sequence[Mapping[str, Any]] = topic["partitions"]
    return TopicState(
        identity=str(topic["topic_id"]),
        partitions=len(partitions),
        copies=min(len(one["replica_nodes"]) for one in partitions),
        leaderless=tuple(
            sorted(one["partition_index"] for one in partitions if one["leader_id"] < 0)
        ),
        lagging=tuple(
            sorted(
                one["partition_index"]
                for one in partitions
                if len(one["isr_nodes"]) < len(one["replica_nodes"])
            )
        ),
        config=config,
    )


def _configs(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:  # noqa: ANN401
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in settings.items()}
        for name, settings in found.items()
    }
