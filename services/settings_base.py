"""Settings of a process: flag, else environment, else ``forcedflow.toml``, else default.

The environment variable of ``group_id`` in the section ``worker`` is
``FORCEDFLOW_WORKER__GROUP_ID``. Secrets are never settings: a setting that ends in ``_file`` names
the file that holds one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from core.errors import ConfigError

ENVIRONMENT_PREFIX = "FORCEDFLOW_"
CONFIG_FILE = Path("forcedflow.toml")

Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """One section of the settings; a key it does not know is an error, not a typo to guess at."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSection(Section):
    """Where Kafka is."""

    bootstrap: str = Field(default="127.0.0.1:9092", description="host:port, several with commas")
    topics_prefix: str = Field(default="", description="what the names of all topics begin with")


class RedisSection(Section):
    """Where Redis is."""

    url: str = Field(default="redis://127.0.0.1:6379/0", description="address, without a password")
    password_file: Path | None = Field(default=None, description="file that holds the password")

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        if urlsplit(url).password is not None:
            raise ValueError("expected no password in it: redis.password_file names its file")
        return url

    def password(self) -> str | None:
        """Return the password, None without a file.

        Raises
        ------
        ConfigError
            If the file cannot be read.
        """
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"redis.password_file: expected a text file: {error}") from error


class UniverseSection(Section):
    """The tables that all parts share."""

    directory: Path | None = Field(
        default=None,
        description="folder of CSV files, read once; none: the newest version that `forcedflow "
        "universe import` has put into Kafka, and every newer one as it comes",
    )


class Settings(BaseSettings):
    """Base of the settings of a process: its fields are sections."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        # One file and one environment serve all processes, so a process ignores others' sections.
        extra="ignore",
        frozen=True,
        toml_file=CONFIG_FILE,
    )

    @classmethod
    def load(cls, flags: Mapping[str, Any]) -> Self:
        """Return the settings; `flags` holds ``section.name`` -> value, None = not given.

        Raises
        ------
        ConfigError
            If a value cannot be used, with every fault.
        """
        given: dict[str, dict[str, Any]] = {}
        for path, value in flags.items():
            section, _, name = path.partition(".")
            if value is not None:
                given.setdefault(section, {})[name] = value
        try:
            return cls(**given)
        except ValidationError as error:
            raise ConfigError("\n".join(_faults(error))) from error
        except (SettingsError, ValueError) as error:
            raise ConfigError(f"settings: expected readable values: {error}") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, the strongest first."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def _faults(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        path = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "missing":
            lines.append(f"setting {path}: expected a flag, a variable or a line of {CONFIG_FILE}")
        elif fault["type"] == "extra_forbidden":
            # Its value may be a secret that somebody took for a setting.
            lines.append(f"setting {path}: expected a setting that there is, it was not")
        elif fault["type"] == "value_error":
            # Our own checks say what they may say of a value.
            lines.append(f"setting {path}: {fault['msg'].removeprefix('Value error, ')}")
        else:
            lines.append(f"setting {path}: {fault['msg']}, it was {fault['input']!r}")
    return lines
