from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from services.kafka_admin import KafkaUnreachableError, kafka_admin
from services.topic_states import read_topics
from services.topics_admin import (
    ConfigChange,
    TopicRefusedError,
    check_topics,
    create_topics,
    update_configs,
)
from streams.topics import PRICES, TOPICS, UNIVERSE, TopicSpec

ONE_COPY = "topics: one copy of every topic"


def test_topics_are_made_once_and_are_as_they_have_to_be(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"

    made = create_topics(kafka, prefix=prefix)
    again = create_topics(kafka, prefix=prefix)
    findings = check_topics(kafka, prefix=prefix)

    assert made == [f"{prefix}{spec.name}" for spec in TOPICS]
    assert again == []
    assert findings.broken == []
    assert [line[: len(ONE_COPY)] for line in findings.unlike] == [ONE_COPY]
    assert findings.configs == {}


def test_two_that_make_them_at_once_make_each_once(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: create_topics(kafka, prefix=prefix), range(4)))

    assert sorted(name for names in made for name in names) == sorted(
        f"{prefix}{spec.name}" for spec in TOPICS
    )


def test_what_is_missing_or_different_is_said(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"
    create_topics(kafka, prefix=prefix, specs=[TopicSpec(PRICES, 3, 1)])

    findings = check_topics(kafka, prefix=prefix)

    missing, mispartitioned = findings.broken
    assert missing.startswith(f"topics {prefix}etf-flows, {prefix}open-interest, ")
    assert mispartitioned.startswith(f"topic {prefix}prices: expected 12 partitions, it has 3")
    assert [line for line in findings.unlike if "retention.ms" in line] == findings.unlike[:-1]


def test_settings_are_brought_into_line_and_others_left(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"
    name = f"{prefix}universe"
    specs = [spec for spec in TOPICS if spec.name == UNIVERSE]
    create_topics(kafka, prefix=prefix, specs=[TopicSpec(UNIVERSE, 1, 3)])
    with kafka_admin(kafka) as admin:
        own = ConfigResource(ConfigResourceType.TOPIC, name, {"segment.ms": "3600000"})
        admin.alter_configs([own])

    changes = update_configs(kafka, prefix=prefix, specs=specs)

    assert changes == [
        ConfigChange(name, "cleanup.policy", "delete", "compact"),
        ConfigChange(name, "retention.ms", "259200000", "-1"),
    ]
    assert update_configs(kafka, prefix=prefix, specs=specs) == []
    with kafka_admin(kafka) as admin:
        state = read_topics(admin, [name])[name]
    assert state.config["segment.ms"] == "3600000"
    assert state.partitions == 1


def test_more_copies_than_brokers_are_refused_with_kafkas_words(
    kafka: str, topic_suffix: str
) -> None:
    with pytest.raises(TopicRefusedError, match=f"topic {topic_suffix}-prices: .*replication"):
        create_topics(kafka, prefix=f"{topic_suffix}-", replication=3)


def test_without_kafka_that_is_said() -> None:
    with pytest.raises(KafkaUnreachableError, match=r"127\.0\.0\.1:1"):
        check_topics("127.0.0.1:1")
