"""Settings of the doctor: those of the processes it looks at."""

from pathlib import Path

from pydantic import Field

from services.alerter_settings import AlerterSection
from services.alertmanager_settings import AlertmanagerSection
from services.settings_base import KafkaSection, RedisSection, Settings, UniverseSection
from services.stack_settings import StackSection
from services.worker_settings import WorkerSection


class _AlerterSection(AlerterSection):
    """The alerter's, without a need for rules: the doctor judges nothing."""

    rules: Path = Field(default=Path(), description="not used")


class DoctorSettings(Settings):
    """Where the parts of the service are."""

    kafka: KafkaSection = Field(default_factory=KafkaSection)
    redis: RedisSection = Field(default_factory=RedisSection)
    universe: UniverseSection = Field(default_factory=UniverseSection)
    worker: WorkerSection = Field(default_factory=WorkerSection)
    alerter: _AlerterSection = Field(default_factory=_AlerterSection)
    alertmanager: AlertmanagerSection = Field(default_factory=AlertmanagerSection)
    stack: StackSection = Field(default_factory=StackSection)
