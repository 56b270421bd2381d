"""What the doctor makes of an Alertmanager: is it there, is it one, and what is silenced on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from core.alerts import AlertKey
from services.doctor_alertmanager_config import judge_config
from services.doctor_gather import Facts
from services.doctor_http import HttpError, fetch
from services.doctor_words import count
from services.findings import Finding, note, ok, problem

OURS = frozenset(AlertKey._fields)
"""Labels of the service's alerts, and nothing else."""

Answer = TypeVar("Answer")


class _VersionInfo(msgspec.Struct):
    version: str


class _Config(msgspec.Struct):
    original: str = ""


class _Status(msgspec.Struct):
    versionInfo: _VersionInfo  # noqa: N815 (Alertmanager's own name)
    config: _Config = msgspec.field(default_factory=_Config)


class _Matcher(msgspec.Struct):
    name: str
    value: str
    isRegex: bool = False  # noqa: N815 (as above)
    isEqual: bool = True  # noqa: N815 (as above)


class _SilenceStatus(msgspec.Struct):
    state: str


class Silence(msgspec.Struct):
    """A silence as the API tells it."""

    id: str
    status: _SilenceStatus
    matchers: list[_Matcher]
    endsAt: str  # noqa: N815 (as above)
    createdBy: str = ""  # noqa: N815 (as above)
    comment: str = ""


class _AlertStatus(msgspec.Struct):
    silencedBy: list[str]  # noqa: N815 (as above)


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    status: _AlertStatus


@dataclass(kw_only=True)
class AlertmanagerFacts(Facts):
    """What was learnt of one Alertmanager.

    Attributes
    ----------
    config : str          its configuration, YAML with the secrets left out
    firing : int          alerts of ours that it holds
    silenced : int        how many of them are silenced
    silences : tuple      the active silences that hold some of ours back
    """

    url: str
    version: str = ""
    config: str = ""
    firing: int = 0
    silenced: int = 0
    silences: tuple[Silence, ...] = ()


def look_at_alertmanager(facts: AlertmanagerFacts) -> None:
    """Ask whether it is ready, its version, our alerts and the silences."""
    base = facts.url.rstrip("/")
    facts.asking = "asking whether it is ready"
    fetch(f"{base}/-/ready")
    facts.asking = "asking for its version"
    status = _decoded(f"{base}/api/v2/status", _Status)
    facts.version, facts.config = status.versionInfo.version, status.config.original
    facts.asking = "asking for alerts and silences"
    alerts = [
        alert
        for alert in _decoded(f"{base}/api/v2/alerts?silenced=true&inhibited=true", list[_Alert])
        if alert.labels.keys() >= OURS
    ]
    silences = _decoded(f"{base}/api/v2/silences", list[Silence])
    used = {name for alert in alerts for name in alert.status.silencedBy}
    facts.firing = len(alerts)
    facts.silenced = sum(bool(alert.status.silencedBy) for alert in alerts)
    facts.silences = tuple(
        silence
        for silence in silences
        if silence.status.state == "active" and (silence.id in used or _is_ours(silence))
    )


def judge_alertmanager(facts: AlertmanagerFacts) -> Iterator[Finding]:
    """Say whether it takes alerts, and what it would keep back."""
    subject = f"Alertmanager {facts.url}"
    if facts.fault:
        yield problem(
            subject,
            facts.fault,
            means="it is told nothing; with no other Alertmanager nobody is paged",
            mend="start it, and see that alerter.alertmanagers names it and nothing else",
        )
        return
    yield ok(
        subject, f"ready, version {facts.version}, {count(facts.firing, 'alert')} of forcedflow"
    )
    yield from judge_config(subject, facts.config)
    for silence in facts.silences:
        told = f": {silence.comment}" if silence.comment else ""
        yield note(
            subject,
            f"a silence by {silence.createdBy or 'nobody named'} until {silence.endsAt}{told}",
            means=f"{_matchers(silence)} pages nobody meanwhile",
            mend=f"forcedflow silence expire {silence.id}",
        )


def _decoded(url: str, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(fetch(url), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HttpError(f"no Alertmanager answers at {url}: {error}") from error


def _is_ours(silence: Silence) -> bool:
    """Say whether a silence is made for alerts with our labels, though none may fire now."""
    names = {matcher.name for matcher in silence.matchers}
    return names <= OURS and (
        bool(names - {"alertname", "severity"})
        or any(
            matcher.name == "alertname" and matcher.value.startswith("ForcedFlow")
            for matcher in silence.matchers
        )
    )


def _matchers(silence: Silence) -> str:
    return ", ".join(
        f'{each.name}{"=" if each.isEqual else "!"}{"~" if each.isRegex else ""}"{each.value}"'
        for each in silence.matchers
    )
