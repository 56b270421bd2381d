"""Settings of a process: flag, else environment, else ``forcedflow.toml``, else default.

The environment variable of ``group_id`` in the section ``worker`` is
``FORCEDFLOW_WORKER__GROUP_ID``. Secrets are never settings: a setting that ends in ``_file`` names
the file that holds one.
"""

import re
from collections.abc import Iterator, Mapping
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
from services.settings_names import environment_faults, file_faults

ENVIRONMENT_PREFIX = "FORCEDFLOW_"
CONFIG_FILE = Path("forcedflow.toml")

_LAST_PORT = 65535
Port = Annotated[int, Field(ge=0, le=_LAST_PORT)]


class Section(BaseModel):
    """One section of the settings; a key it does not know is an error, not a typo to guess at."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSection(Section):
    """Where Kafka is."""

    bootstrap: str = Field(default="127.0.0.1:9092", description="host:port, several with commas")
    topics_prefix: str = Field(default="", description="what the names of all topics begin with")

    @field_validator("bootstrap")
    @classmethod
    def _names_brokers(cls, brokers: str) -> str:
        for broker in brokers.split(","):
            if not _is_host_and_port(broker.strip()):
                raise ValueError(f"expected host:port, several with commas, it was {brokers!r}")
        return brokers

    @field_validator("topics_prefix")
    @classmethod
    def _begins_a_topic(cls, prefix: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,200}", prefix):
            raise ValueError(f"expected letters, digits, '.', '_' and '-', it was {prefix!r}")
        return prefix


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

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        at = parts.path if parts.scheme == "unix" else parts.hostname
        if parts.scheme not in {"redis", "rediss", "unix"} or not at:
            raise ValueError(f"expected redis://host:port/0, rediss:// or unix://, it was {url!r}")
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


def _is_host_and_port(broker: str) -> bool:
    host, _, port = broker.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) <= _LAST_PORT


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
        faults = [*file_faults(CONFIG_FILE), *environment_faults(ENVIRONMENT_PREFIX, cls._names())]
        if faults:
            raise ConfigError("\n".join(faults))
        # A section without which nothing goes is named by what it lacks, not as a whole.
        required = (name for name, field in cls.model_fields.items() if field.is_required())
        given: dict[str, dict[str, Any]] = {name: {} for name in required}
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
    def _names(cls) -> Iterator[tuple[str, str]]:
        for section, field in cls.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                yield from ((section, name) for name in field.annotation.model_fields)

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
