"""Names in the file and the environment that no process reads: typos, told instead of ignored."""

import os
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.errors import ConfigError

SECTIONS = (
    "alerter",
    "alertmanager",
    "gateway",
    "kafka",
    "options",
    "redis",
    "silence",
    "stack",
    "universe",
    "worker",
)
"""Every section that a process reads; one file and one environment serve them all."""
_MARKS = {"STACK_DIRECTORY"}
"""Not settings: what the processes of a stack are found by."""


def file_faults(path: Path) -> Iterator[str]:
    """Yield what is no section in a file of settings.

    Raises
    ------
    ConfigError
        If the file is there and cannot be read, or is no TOML.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected settings in TOML: {error}") from error
    for name, value in content.items():
        if name not in SECTIONS:
            yield f"{path}: expected a section of {', '.join(SECTIONS)}, it was {name!r}"
        elif not isinstance(value, dict):
            yield f"{path}: expected a section [{name}], it was a single value"


def environment_faults(prefix: str, settings: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the variables that were meant for a setting and name none.

    Parameters
    ----------
    settings : iterable of (section, name)    those of the process that asks
    """
    joined = {f"{section}_{name}".upper(): (section, name) for section, name in settings}
    for variable in sorted(os.environ):
        if not variable.upper().startswith(prefix):
            continue
        name = variable.upper().removeprefix(prefix)
        section, separator, _ = name.partition("__")
        if separator and section.lower() not in SECTIONS:
            yield f"variable {variable}: expected a section of {', '.join(SECTIONS)} in its name"
        elif name in joined and name not in _MARKS:
            meant = "__".join(joined[name]).upper()
            yield f"variable {variable}: expected two underscores, {prefix}{meant}"
