"""Settings of the local stack: section ``[stack]`` of ``forcedflow.toml``, or its variables."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from services.settings_base import Section, Settings
from streams.topics import PARTITIONS

ListenPort = Annotated[int, Field(ge=1, le=65_535)]


class StackSection(Section):
    """What the stack consists of, where it listens (on loopback) and what it plays."""

    directory: Path = Field(
        default=Path(".forcedflow/stack"), description="data, logs and rendered settings"
    )
    nodes: int = Field(default=1, description="of Kafka: 1, or 3, which keep three copies")
    workers: int = Field(default=2, ge=1, le=PARTITIONS)
    universe: Path | None = Field(
        default=None, description="folder of CSV files to import, for a feed of your own"
    )
    rules: Path | None = Field(default=None, description="alert rules, for a feed of your own")
    feed: str = Field(
        default="",
        description="what `forcedflow gateway` is told to read, such as `--listen "
        "127.0.0.1:9000` or `--prices day.csv --speed 1`; none: the bundled market",
    )
    kafka_port: ListenPort = Field(default=9092, description="each further node 100 higher")
    kafka_controller_port: ListenPort = Field(
        default=9095, description="each further node 100 higher"
    )
    redis_port: ListenPort = 6379
    prometheus_port: ListenPort = 9090
    alertmanager_port: ListenPort = 9093
    worker_port: ListenPort = Field(default=9464, description="/metrics; each further worker next")
    gateway_port: ListenPort = Field(default=9474, description="/metrics")
    alerter_port: ListenPort = Field(default=9475, description="/metrics; the second one's next")

    @property
    def alertmanager_url(self) -> str:
        """Base address of the stack's Alertmanager: where commands look if none is named."""
        return f"http://127.0.0.1:{self.alertmanager_port}"

    @field_validator("nodes")
    @classmethod
    def _nodes_have_a_majority(cls, nodes: int) -> int:
        if nodes not in {1, 3}:
            raise ValueError(f"expected 1 or 3, it was {nodes}")
        return nodes

    @model_validator(mode="after")
    def _feed_is_whole(self) -> Self:
        given = [bool(self.feed), self.universe is not None, self.rules is not None]
        if any(given) and not all(given):
            raise ValueError("expected feed, universe and rules together, or none of them")
        return self


class StackSettings(Settings):
    """All settings of the stack; its processes read their own from the same places."""

    stack: StackSection = Field(default_factory=StackSection)
