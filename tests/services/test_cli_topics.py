from click.testing import CliRunner, Result

from services.cli import main
from services.topics_admin import create_topics
from streams.topics import PRICES, TOPICS, TopicSpec


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["topics", *words], catch_exceptions=False)


def test_create_makes_what_check_then_finds(kafka: str, topic_suffix: str) -> None:
    options = ("--kafka-bootstrap", kafka, "--topics-prefix", f"{topic_suffix}-")

    before = run("check", *options)
    made = run("create", *options)
    again = run("create", *options)
    after = run("check", *options)

    assert before.exit_code == 2
    assert "missing" in before.output
    assert made.output.count("made ") == len(TOPICS)
    assert again.output == "all topics exist\n"
    assert after.exit_code == 0
    assert "one copy of every topic" in after.output
    assert after.output.endswith("the topics serve\n")


def test_create_says_what_differs_and_sets_it_when_told(kafka: str, topic_suffix: str) -> None:
    options = ("--kafka-bootstrap", kafka, "--topics-prefix", f"{topic_suffix}-")
    create_topics(kafka, prefix=f"{topic_suffix}-", specs=[TopicSpec(PRICES, 12, 1)])

    told = run("create", *options)
    mended = run("create", *options, "--update-configs")

    assert "--update-configs sets them" in told.output
    assert (
        f"set {topic_suffix}-prices: retention.ms=604800000 (7 days), "
        "it was retention.ms=86400000 (1 day)" in mended.output
    )
    assert "--update-configs" not in run("create", *options).output


def test_without_kafka_it_fails_and_says_where_it_looked() -> None:
    result = run("create", "--kafka-bootstrap", "127.0.0.1:1")

    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.output
