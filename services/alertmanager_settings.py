"""Settings of whoever talks to Alertmanagers: as whom, and whose certificates are believed."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from services.settings_base import Section


class AlertmanagerSection(Section):
    """How every Alertmanager is asked, whether for alerts or for silences."""

    username: str = Field(
        default="", description="user that every Alertmanager knows us as; none: no password"
    )
    password_file: Path | None = Field(
        default=None,
        description="file that holds that user's password; it goes over https, or to loopback",
    )
    ca_file: Path | None = Field(
        default=None,
        description="file with the certificates (PEM) that an https Alertmanager's is judged by; "
        "none: those that this machine trusts",
    )

    @field_validator("username")
    @classmethod
    def _fits_a_header(cls, name: str) -> str:
        if ":" in name or not name.isprintable():
            raise ValueError("expected a name without colon and control characters")
        return name

    @model_validator(mode="after")
    def _names_both_or_neither(self) -> Self:
        if bool(self.username) != (self.password_file is not None):
            given, missing = ("username", "password_file")[:: 1 if self.username else -1]
            raise ValueError(f"expected {missing} too where {given} is given")
        return self
