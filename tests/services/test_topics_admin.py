import pytest

from services.topics_admin import KafkaUnreachableError, check_topics, create_topics
from streams.topics import PRICES, TOPICS, TopicSpec


def test_topics_are_made_once_and_are_as_they_have_to_be(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"

    made = create_topics(kafka, prefix=prefix)
    again = create_topics(kafka, prefix=prefix)
    findings = check_topics(kafka, prefix=prefix)

    assert made == [f"{prefix}{spec.name}" for spec in TOPICS]
    assert again == []
    assert (findings.broken, findings.unlike) == ([], [])


def test_what_is_missing_or_different_is_said(kafka: str, topic_suffix: str) -> None:
    prefix = f"{topic_suffix}-"
    create_topics(kafka, prefix=prefix, specs=[TopicSpec(PRICES, 3, 1)])

    findings = check_topics(kafka, prefix=prefix)

    assert findings.broken[0] == f"topic {prefix}prices: expected 12 partitions, it has 3"
    assert len(findings.broken) == len(TOPICS)
    assert "forcedflow topics create" in findings.broken[1]
    assert [line for line in findings.unlike if "retention.ms" in line] == findings.unlike


def test_without_kafka_that_is_said() -> None:
    with pytest.raises(KafkaUnreachableError, match=r"127\.0\.0\.1:1"):
        check_topics("127.0.0.1:1")
