"""Making topics, and bringing the settings of those that exist into line; never partitions."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError, for_code

from core.errors import FlowError
from services.kafka_admin import kafka_admin
from services.topic_states import read_topics
from services.topics_check import TopicFindings, insync_for, judge_topics
from streams.topics import TOPICS, TopicSpec

_SETTLE_TRIES = 50
_SETTLE_PAUSE_SECONDS = 0.1


class TopicRefusedError(FlowError):
    """Kafka does not make a topic, or does not take a setting of one."""


def create_topics(
    bootstrap: str, *, prefix: str = "", replication: int = 1, specs: Sequence[TopicSpec] = TOPICS
) -> list[str]:
    """Make the topics that do not exist; return the names of those made here.

    All of them have their leaders then, also those that another made meanwhile.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    TopicRefusedError
        If it makes one of them not; the others are made.
    """
    names = {f"{prefix}{spec.name}": spec for spec in specs}
    with kafka_admin(bootstrap) as admin:
        there = read_topics(admin, names)
        wanted = {
            name: {
                "num_partitions": spec.partitions,
                "replication_factor": replication,
                "configs": {**spec.config, "min.insync.replicas": str(insync_for(replication))},
            }
            for name, spec in names.items()
            if name not in there
        }
        made = _made(admin, wanted) if wanted else []
        admin.wait_for_topics(list(names))
    return made


@dataclass(frozen=True)
class ConfigChange:
    """A setting of a topic that was changed; ``was`` is None where it had none."""

    topic: str
    key: str
    was: str | None
    value: str


def update_configs(
    bootstrap: str, *, prefix: str = "", specs: Sequence[TopicSpec] = TOPICS
) -> list[ConfigChange]:
    """Set what the settings of existing topics have to be; return what was changed.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    TopicRefusedError
        If it does not take a setting; those of other topics are set.
    """
    with kafka_admin(bootstrap) as admin:
        states = read_topics(admin, [f"{prefix}{spec.name}" for spec in specs])
        wanted = judge_topics(states, prefix=prefix, specs=specs).configs
        changes = [
            ConfigChange(topic, key, states[topic].config.get(key), value)
            for topic, settings in wanted.items()
            for key, value in settings.items()
        ]
        if wanted:
            _set(admin, wanted)
            _wait_for(admin, wanted)
    return changes


def check_topics(
    bootstrap: str, *, prefix: str = "", specs: Sequence[TopicSpec] = TOPICS
) -> TopicFindings:
    """Compare topics with what they have to be.

    Raises
    ------
    KafkaUnreachableError
        If Kafka does not answer.
    """
    with kafka_admin(bootstrap) as admin:
        states = read_topics(admin, [f"{prefix}{spec.name}" for spec in specs])
    return judge_topics(states, prefix=prefix, specs=specs)


def _made(admin: Any, wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:  # noqa: ANN401
    answer = admin.create_topics(dict(wanted), raise_errors=False)["topics"]
    failed = [topic for topic in answer if topic["error_code"]]
    _raise(
        f"topic {topic['name']}: expected Kafka to make it, it said: "
        f"{topic['error_message'] or for_code(topic['error_code']).__name__}"
        for topic in failed
        # Made by someone else since we looked: that is what was wanted.
        if for_code(topic["error_code"]) is not TopicAlreadyExistsError
    )
    return [topic["name"] for topic in answer if topic not in failed]


def _set(admin: Any, wanted: Mapping[str, Mapping[str, str]]) -> None:  # noqa: ANN401
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))
        for topic, settings in wanted.items()
    ]
    # Only the named settings change: others may be the operator's own.
    answer = admin.alter_configs(resources, incremental=True)["topic"]
    _raise(
        f"topic {topic}: expected Kafka to take its settings, it said: {said}"
        for topic, said in answer.items()
        if said != "OK"
    )


def _wait_for(admin: Any, wanted: Mapping[str, Mapping[str, str]]) -> None:  # noqa: ANN401
    """Return once the brokers show the settings: the controller tells them a little later."""
    for _ in range(_SETTLE_TRIES):
        found = read_topics(admin, wanted)
        if all(
            found[topic].config.get(key) == value
            for topic, settings in wanted.items()
            for key, value in settings.items()
        ):
            return
        time.sleep(_SETTLE_PAUSE_SECONDS)
    _raise(["expected the brokers to show the new settings; they took them and still show the old"])


def _raise(faults: Iterable[str]) -> None:
    text = "\n".join(faults)
    if text:
        raise TopicRefusedError(text)
