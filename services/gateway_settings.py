"""Settings of a gateway."""

from pydantic import Field

from services.settings_base import KafkaSection, Port, Section, Settings, UniverseSection


class GatewaySection(Section):
    """What is particular to gateways."""

    source: str = Field(
        default="gateway",
        min_length=1,
        max_length=64,
        description="source of rows that name none; each running gateway needs its own",
    )
    lateness_seconds: float = Field(
        default=0.5,
        ge=0.0,
        le=60.0,
        description="live feeds: how much later than the quickest event another may come",
    )
    metrics_port: Port = Field(
        default=9474, description="/metrics listens here or on the next free port; 0 = nowhere"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address that /metrics listens on")


class GatewaySettings(Settings):
    """All settings of a gateway."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)
    universe: UniverseSection = Field(default_factory=UniverseSection)
    gateway: GatewaySection = Field(default_factory=GatewaySection)
