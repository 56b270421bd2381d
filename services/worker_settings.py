"""Settings of a worker."""

from pydantic import Field

from services.options_settings import OptionsSection
from services.settings_base import (
    KafkaSection,
    Port,
    RedisSection,
    Section,
    Settings,
    UniverseSection,
)


class WorkerSection(Section):
    """What is particular to workers."""

    group_id: str = Field(default="forcedflow", min_length=1, description="Kafka consumer group")
    instance_id: str = Field(
        default="",
        description="stable name of this worker in the group: restarted under it, it goes on "
        "with its partitions at once instead of after the session timeout",
    )
    session_timeout_seconds: float = Field(
        default=6.0,
        ge=6.0,
        le=10.0,
        description="after which a silent worker's partitions are moved",
    )
    metrics_port: Port = Field(
        default=9464, description="/metrics listens here or on the next free port; 0 = nowhere"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address that /metrics listens on")


class WorkerSettings(Settings):
    """All settings of a worker."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)
    redis: RedisSection = Field(default_factory=RedisSection)
    universe: UniverseSection = Field(default_factory=UniverseSection)
    options: OptionsSection = Field(default_factory=OptionsSection)
    worker: WorkerSection = Field(default_factory=WorkerSection)
