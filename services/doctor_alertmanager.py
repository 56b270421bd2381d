"""What the doctor makes of an Alertmanager: is it there, is it one, and what is silenced on it."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from core.errors import ConfigError
from services.alertmanager_access import Access, open_access
from services.alertmanager_settings import AlertmanagerSection
from services.doctor_alertmanager_config import judge_config
from services.doctor_gather import Facts
from services.doctor_words import count
from services.findings import Finding, note, ok, problem
from services.http_get import (
    AccessError,
    CertificateError,
    HttpError,
    UnauthorizedError,
    fetch,
)
from services.silence_page import OURS, utc_text
from services.silences import Silence

_MEND_ACCESS = (
    "see that alertmanager.username, password_file and ca_file fit its --web.config.file"
    " (docs/alerting.md)"
)

Answer = TypeVar("Answer")


class _VersionInfo(msgspec.Struct):
    version: str


class _Config(msgspec.Struct):
    original: str = ""


class _Status(msgspec.Struct):
    versionInfo: _VersionInfo  # noqa: N815 (Alertmanager's own name)
    config: _Config = msgspec.field(default_factory=_Config)


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
    has_access : bool     whether password and certificates are not what is wrong
    firing : int          alerts of ours that it holds
    silenced : int        how many of them are silenced
    silences : tuple      the active silences that hold some of ours back
    """

    url: str
    version: str = ""
    config: str = ""
    has_access: bool = True
    firing: int = 0
    silenced: int = 0
    silences: tuple[Silence, ...] = ()


def look_at_alertmanager(
    facts: AlertmanagerFacts, section: AlertmanagerSection | None = None
) -> None:
    """Ask, with password and certificates, whether it is ready, what it is and what it holds."""
    try:
        access = open_access(section or AlertmanagerSection(), [facts.url])
        _look(facts, access)
    except (AccessError, ConfigError):
        facts.has_access = False
        raise


def _look(facts: AlertmanagerFacts, access: Access) -> None:
    base = facts.url.rstrip("/")
    facts.asking = "asking whether it is ready"
    _fetched(f"{base}/-/ready", access)
    facts.asking = "asking for its version"
    status = _decoded(f"{base}/api/v2/status", access, kind=_Status)
    facts.version, facts.config = status.versionInfo.version, status.config.original
    facts.asking = "asking for alerts and silences"
    alerts = [
        alert
        for alert in _decoded(
            f"{base}/api/v2/alerts?silenced=true&inhibited=true", access, kind=list[_Alert]
        )
        if alert.labels.keys() >= OURS
    ]
    silences = _decoded(f"{base}/api/v2/silences", access, kind=tuple[Silence, ...])
    used = {name for alert in alerts for name in alert.status.silencedBy}
    facts.firing = len(alerts)
    facts.silenced = sum(bool(alert.status.silencedBy) for alert in alerts)
    facts.silences = tuple(
        silence
        for silence in silences
        if silence.is_active and (silence.id in used or _is_ours(silence))
    )


def judge_alertmanager(facts: AlertmanagerFacts) -> Iterator[Finding]:
    """Say whether it takes alerts, and what it would keep back."""
    subject = f"Alertmanager {facts.url}"
    if facts.fault:
        yield problem(
            subject,
            facts.fault,
            means="it is told nothing; with no other Alertmanager nobody is paged",
            mend="start it, and see that alerter.alertmanagers names it and nothing else"
            if facts.has_access
            else _MEND_ACCESS,
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
            f"a silence by {silence.created_by or 'nobody named'}"
            f" until {utc_text(silence.ends_at)}{told}",
            means=f"{_matchers(silence)} pages nobody meanwhile",
            mend=f"forcedflow silence expire {silence.id}",
        )


def judge_password_file(file: Path | None) -> Iterator[Finding]:
    """Say whether every user of this machine can read it, as a mounted secret may have to be."""
    try:
        is_open = file is not None and bool(file.stat().st_mode & stat.S_IROTH)
    except OSError:
        # Whoever wants to read it has said so.
        return
    if is_open:
        yield note(
            "alertmanager.password_file",
            f"every user of this machine can read {file}",
            means="whoever has the password can silence every alert",
            mend=f"chmod o= {file}",
        )


def _decoded(url: str, access: Access, *, kind: type[Answer]) -> Answer:
    content = _fetched(url, access)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HttpError(f"no Alertmanager answers at {url}: {error}") from error


def _fetched(url: str, access: Access) -> bytes:
    try:
        return fetch(url, headers=access.headers(url), context=access.context())
    except UnauthorizedError as error:
        raise UnauthorizedError(f"{error}: {access.unauthorized()}") from error
    except CertificateError as error:
        raise CertificateError(f"{error} (alertmanager.ca_file)") from error


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
        f'{each.name}{"=" if each.is_equal else "!"}{"~" if each.is_regex else ""}"{each.value}"'
        for each in silence.matchers
    )
