"""Settings of the commands on silences: whose they are, and at which Alertmanagers."""

from pathlib import Path

from pydantic import Field

from services.alerter_settings import AlerterSection
from services.alertmanager_settings import AlertmanagerSection
from services.settings_base import Section, Settings
from services.stack_settings import StackSection


class _AlerterSection(AlerterSection):
    """The alerter's, without a need for rules."""

    rules: Path = Field(default=Path(), description="not used")


class _SilenceSection(Section):
    """Whose silences these are."""

    author: str = Field(default="", description="who silences, where --author does not say")


class SilenceSettings(Settings):
    """Settings of the commands on silences."""

    alerter: _AlerterSection = Field(default_factory=_AlerterSection)
    alertmanager: AlertmanagerSection = Field(default_factory=AlertmanagerSection)
    silence: _SilenceSection = Field(default_factory=_SilenceSection)
    stack: StackSection = Field(default_factory=StackSection)

    @property
    def alertmanagers(self) -> tuple[str, ...]:
        """Whom to ask: those named, else the local stack's."""
        return self.alerter.alertmanagers or (self.stack.alertmanager_url,)
