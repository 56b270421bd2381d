"""Settings of the alerter."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from services.alert_links import (
    DASHBOARDS,
    REPLAY_FILES,
    RUNBOOKS,
    Links,
    check_replay_files,
)
from services.alertmanager_settings import AlertmanagerSection
from services.settings_base import (
    KafkaSection,
    Port,
    RedisSection,
    Section,
    Settings,
    UniverseSection,
)


class AlerterSection(Section):
    """What is particular to the alerter."""

    rules: Path = Field(description="rules file (YAML)")
    alertmanagers: tuple[str, ...] = Field(
        default=(),
        description="base address of every Alertmanager; each is sent everything, none: alerts "
        "are shown and not sent",
    )
    metrics_port: Port = Field(
        default=9475, description="/metrics listens here or on the next free port; 0 = nowhere"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address that /metrics listens on")
    drill_minutes_before_open: int = Field(
        default=30,
        ge=0,
        le=12 * 60,
        description="how long before a day's first open, by host time, the alert ForcedFlowDrill "
        "fires for two minutes; 0: never",
    )
    storm_cap: int = Field(
        default=25,
        ge=1,
        description="how many alerts of a rule, a side and a severity are sent; one more alert "
        "names those left out",
    )
    heartbeat: bool = Field(
        default=True,
        description="push the alert ForcedFlowHeartbeat while evaluations are written",
    )
    heartbeat_url_file: Path | None = Field(
        default=None,
        description="file with an address, https or loopback, that is asked for while evaluations "
        "are written: a dead-man's switch outside",
    )
    heartbeat_seconds: int = Field(
        default=30, ge=1, le=3600, description="from one request of that address to the next"
    )
    runbooks: str = Field(
        default=RUNBOOKS, description="address or folder of the runbooks that a page links to"
    )
    dashboards: str = Field(
        default=DASHBOARDS, description="address of Grafana, or folder of the dashboards' files"
    )
    replay_files: str = Field(
        default=REPLAY_FILES,
        description="options of forcedflow replay that name the recorded files, for the command "
        "in a page; {session} stands for the date",
    )

    def links(self) -> Links:
        """Return what a page links to."""
        return Links(self.runbooks, self.dashboards, self.replay_files)

    @field_validator("replay_files")
    @classmethod
    def _can_be_read_by_a_shell(cls, options: str) -> str:
        return check_replay_files(options)

    @field_validator("alertmanagers")
    @classmethod
    def _are_plain_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"expected http://host:port, it was {url!r}")
            if parts.username is not None or parts.query or parts.fragment:
                raise ValueError(
                    f"expected an address without user, query and fragment, for {parts.hostname}"
                )
        if len(set(urls)) < len(urls):
            raise ValueError("expected each Alertmanager once")
        return urls


class AlerterSettings(Settings):
    """All settings of the alerter."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)
    redis: RedisSection = Field(default_factory=RedisSection)
    universe: UniverseSection = Field(default_factory=UniverseSection)
    alerter: AlerterSection
    alertmanager: AlertmanagerSection = Field(default_factory=AlertmanagerSection)
