"""What an Alertmanager's configuration means for pages, as its API shows it (without secrets)."""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.doctor_words import count
from services.findings import Finding, note


class _Route(msgspec.Struct):
    mute_time_intervals: list[str] | None = None
    active_time_intervals: list[str] | None = None
    routes: "list[_Route] | None" = None


class _Config(msgspec.Struct):
    route: _Route
    receivers: list[dict[str, Any]]
    inhibit_rules: list[Any] | None = None


def judge_config(subject: str, text: str) -> Iterator[Finding]:
    """Say whether it tells anybody, and whether it may lose the end of an alert.

    Nothing is said of a configuration that cannot be read: Alertmanager runs with it.
    """
    try:
        config = msgspec.yaml.decode(text, type=_Config)
    except msgspec.DecodeError:
        return
    if not any(key.endswith("_configs") for receiver in config.receivers for key in receiver):
        yield note(
            subject,
            f"{count(len(config.receivers), 'receiver')}, none of which tells anybody",
            means="what fires is seen in its API and nowhere else",
            mend="give it receivers as in deploy/alertmanager/alertmanager-pagers.yml",
        )
    if found := sorted(_losing(config)):
        yield note(
            subject,
            f"it has {' and '.join(found)}",
            means="of what ends while it is muted or inhibited the end is never told, and its "
            "incident stays open",
            mend="say in the rules when they count, and route without muting or inhibiting",
        )


def _losing(config: _Config) -> set[str]:
    inhibits = {"inhibit_rules"} if config.inhibit_rules else set()
    return inhibits | _mutes(config.route)


def _mutes(route: _Route) -> set[str]:
    names = ("mute_time_intervals", "active_time_intervals")
    found = {name for name in names if getattr(route, name)}
    return found.union(*(_mutes(child) for child in route.routes or ()))
