"""``forcedflow topics``: make the topics that the service relies on, or check them."""

from collections.abc import Callable
from typing import Any

import click
from pydantic import Field

from core.errors import ConfigError
from services.settings_base import KafkaSection, Settings
from services.topics_admin import KafkaUnreachableError, check_topics, create_topics


class TopicsSettings(Settings):
    """Settings of the commands on topics."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)


def _kafka_options(function: Callable[..., Any]) -> Callable[..., Any]:
    prefix = click.option("--topics-prefix", help="What the names of all topics begin with.")
    bootstrap = click.option("--kafka-bootstrap", metavar="HOST:PORT", help="Several with commas.")
    return bootstrap(prefix(function))


def _kafka(kafka_bootstrap: str | None, topics_prefix: str | None) -> KafkaSection:
    flags = {"kafka.bootstrap": kafka_bootstrap, "kafka.topics_prefix": topics_prefix}
    return TopicsSettings.load(flags).kafka


@click.group("topics")
def command() -> None:
    """Make and check the topics in Kafka."""


@command.command()
@_kafka_options
@click.option("--replication", default=1, show_default=True, type=click.IntRange(min=1))
def create(*, kafka_bootstrap: str | None, topics_prefix: str | None, replication: int) -> None:
    """Make the topics that do not exist; what exists is left as it is."""
    kafka = _kafka(kafka_bootstrap, topics_prefix)
    try:
        made = create_topics(kafka.bootstrap, prefix=kafka.topics_prefix, replication=replication)
    except KafkaUnreachableError as error:
        raise click.ClickException(str(error)) from error
    for name in made:
        click.echo(f"made {name}")
    if not made:
        click.echo("all topics exist")


@command.command()
@_kafka_options
def check(*, kafka_bootstrap: str | None, topics_prefix: str | None) -> None:
    """Compare the topics with what they have to be; end with status 2 if they do not serve."""
    kafka = _kafka(kafka_bootstrap, topics_prefix)
    try:
        findings = check_topics(kafka.bootstrap, prefix=kafka.topics_prefix)
    except KafkaUnreachableError as error:
        raise click.ClickException(str(error)) from error
    for line in findings.unlike:
        click.echo(f"note: {line}")
    if findings.broken:
        raise ConfigError("\n".join(findings.broken))
    click.echo("the topics serve")
