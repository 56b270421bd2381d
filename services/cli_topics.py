"""``forcedflow topics``: make the topics that the service relies on, or check them."""

from collections.abc import Callable
from typing import Any

import click
from pydantic import Field
from rich.console import Console

from core.errors import ConfigError
from services.finding_page import show_findings
from services.findings import Verdict
from services.kafka_admin import quiet_kafka
from services.settings_base import KafkaSection, Settings
from services.topics_admin import check_topics, create_topics, update_configs
from services.topics_check import shown


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
    quiet_kafka()


@command.command()
@_kafka_options
@click.option(
    "--replication",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Copies of each new topic, each on a broker of its own; of 3, two must have a record.",
)
@click.option(
    "--update-configs",
    "updates_configs",
    is_flag=True,
    help="Also set the settings of topics that exist.",
)
def create(
    *,
    kafka_bootstrap: str | None,
    topics_prefix: str | None,
    replication: int,
    updates_configs: bool,
) -> None:
    """Make the topics that do not exist.

    What exists is left as it is; --update-configs brings its settings into line. The number of
    its partitions is never changed: it decides where each reference lies.

    Exit codes: 0 all topics exist; 1 Kafka does not answer or refuses; 2 wrong option or setting.
    """
    kafka = _kafka(kafka_bootstrap, topics_prefix)
    made = create_topics(kafka.bootstrap, prefix=kafka.topics_prefix, replication=replication)
    for name in made:
        click.echo(f"made {name}")
    if not made:
        click.echo("all topics exist")
    _mend_settings(kafka, is_wanted=updates_configs)


def _mend_settings(kafka: KafkaSection, *, is_wanted: bool) -> None:
    if is_wanted:
        for change in update_configs(kafka.bootstrap, prefix=kafka.topics_prefix):
            before, after = shown(change.key, change.was), shown(change.key, change.value)
            click.echo(f"set {change.topic}: {after}, it was {before}")
        return
    different = check_topics(kafka.bootstrap, prefix=kafka.topics_prefix).configs
    if different:
        click.echo(f"with other settings than the service expects: {', '.join(different)}")
        click.echo("topics check says which; topics create --update-configs sets them")


@command.command()
@_kafka_options
def check(*, kafka_bootstrap: str | None, topics_prefix: str | None) -> None:
    """Compare the topics with what they have to be.

    Exit codes: 0 they serve, perhaps with notes; 1 Kafka does not answer; 2 they do not serve.
    """
    kafka = _kafka(kafka_bootstrap, topics_prefix)
    findings = check_topics(kafka.bootstrap, prefix=kafka.topics_prefix).findings
    show_findings(Console(), findings)
    problems = sum(one.verdict is Verdict.PROBLEM for one in findings)
    if problems:
        raise ConfigError(f"the topics do not serve: {problems} of {len(findings)} findings")
    click.echo("the topics serve")
