import pytest
from click.testing import CliRunner

from core.errors import ConfigError
from services.cli_topics import command
from streams.topics import TOPICS


def run(*words: str) -> str:
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_create_makes_what_check_then_finds(kafka: str, topic_suffix: str) -> None:
    options = ("--kafka-bootstrap", kafka, "--topics-prefix", f"{topic_suffix}-")

    with pytest.raises(ConfigError, match="there is none"):
        run("check", *options)
    made = run("create", *options)

    assert made.count("made ") == len(TOPICS)
    assert run("create", *options) == "all topics exist\n"
    assert run("check", *options) == "the topics serve\n"


def test_without_kafka_it_fails_and_says_where_it_looked() -> None:
    result = CliRunner().invoke(command, ["create", "--kafka-bootstrap", "127.0.0.1:1"])

    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.output
