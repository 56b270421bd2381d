"""The page of all settings, made of the settings themselves: `make docs` writes it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from services.alerter_settings import AlerterSettings
from services.doctor_settings import DoctorSettings
from services.gateway_settings import GatewaySettings
from services.options_settings import OptionsSettings
from services.settings_base import CONFIG_FILE, ENVIRONMENT_PREFIX, Section, Settings
from services.silence_settings import SilenceSettings
from services.stack_settings import StackSettings
from services.worker_settings import WorkerSettings

_READERS: Mapping[str, type[Settings]] = {
    "worker": WorkerSettings,
    "gateway": GatewaySettings,
    "alerter": AlerterSettings,
    "replay": OptionsSettings,
    "options": OptionsSettings,
    "run": OptionsSettings,
    "stack": StackSettings,
    "silence": SilenceSettings,
    "doctor": DoctorSettings,
}
"""Commands and what they read; the others read sections of these."""

_HEAD = f"""\
# Settings

Made of the settings themselves by `make docs`.

A flag goes before the environment, that before `{CONFIG_FILE}` in the working directory, and that
before the default. Section and name make the variable: `[worker] group_id` is
`{ENVIRONMENT_PREFIX}WORKER__GROUP_ID`. One file serves all processes; a section that there
is not, or a name that a section does not have, is an error (status 2). A secret is never a
setting: one that ends in `_file` names the file that holds it. Which settings have a flag
`COMMAND --help` says.
"""


def settings_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for name, section in _sections().items():
        readers = [f"`{reader}`" for reader, each in _READERS.items() if name in each.model_fields]
        parts.append(f"## `[{name}]`\n\nRead by {', '.join(readers)}.\n\n{_table(section)}")
    return "\n".join(parts)


def _sections() -> dict[str, type[Section]]:
    found: dict[str, type[Section]] = {}
    for settings in _READERS.values():
        for name, field in settings.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                found.setdefault(name, field.annotation)
    return found


def _table(section: type[Section]) -> str:
    rows = [
        f"| `{name}` | {_default(field)} | {_says(field)} |"
        for name, field in section.model_fields.items()
    ]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows, ""])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "none" if default in {None, "", ()} else f"`{default}`"


def _says(field: FieldInfo) -> str:
    words = field.description or ""
    if get_origin(field.annotation) is Literal:
        words += f": {', '.join(f'`{each}`' for each in get_args(field.annotation))}"
    return words.replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(settings_page(), encoding="utf-8")
