"""Client of an Alertmanager's silences (API v2): list, create for a bounded time, expire.

Each Alertmanager has its own silences; those of a cluster tell each other of changes within a
second or so. Nothing here retries: who asks decides what an unanswered question means.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import quote

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import ConfigError, FlowError
from core.sessions import NANOS_PER_SECOND
from services.alert_messages import host_time_text
from services.alertmanager_http import Answer, Transport

LONGEST_NS = 7 * 24 * 3600 * NANOS_PER_SECOND
"""Longest silence that can be created: a forgotten one must end by itself."""
IDENTITY = frozenset({"alertname", "side", "symbol"})
"""Labels that no two alerts share; the others follow from them."""

Labels = Mapping[str, str]
Content = TypeVar("Content")


class SilenceError(FlowError):
    """An Alertmanager did not answer, or not as it should."""


class Matcher(msgspec.Struct, frozen=True, rename="camel"):
    """One condition on a label; a regular expression is RE2 and matches the whole value."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def matches(self, labels: Labels) -> bool:
        """Return whether labels meet it; a label that is not there counts as empty."""
        value = labels.get(self.name, "")
        found = _is_whole_match(self.value, value) if self.is_regex else value == self.value
        # Alertmanager understood a pattern that we do not, so it may well be met.
        return found is None or found is self.is_equal

    @property
    def names_a_value(self) -> bool:
        """Whether it names one value of its label, and nothing else."""
        return self.is_equal and not self.is_regex


class _Status(msgspec.Struct, frozen=True):
    state: Literal["active", "pending", "expired"]


class Silence(msgspec.Struct, frozen=True, rename="camel"):
    """A silence as an Alertmanager holds it; times are host time with their offset."""

    id: str
    status: _Status
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str = ""
    comment: str = ""

    @property
    def is_active(self) -> bool:
        """Whether it silences now."""
        return self.status.state == "active"

    def is_active_by(self, time: datetime) -> bool:
        """Return whether it silences now, or will have begun by then."""
        return self.is_active or (self.status.state == "pending" and self.starts_at <= time)

    def covers(self, labels: Labels) -> bool:
        """Return whether an alert of these labels is what it is about, active or not."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def names_exactly(self, labels: Labels) -> bool:
        """Return whether it names this alert and can cover no other: an acknowledgement."""
        named = {matcher.name for matcher in self.matchers if matcher.names_a_value}
        has_only_names = len(named) == len(self.matchers)
        return has_only_names and named >= IDENTITY and self.covers(labels)


class _NewSilence(msgspec.Struct, frozen=True, rename="camel"):
    matchers: tuple[Matcher, ...]
    starts_at: str
    ends_at: str
    created_by: str
    comment: str


class _Created(msgspec.Struct, rename={"silence_id": "silenceID"}):
    silence_id: str


def exact_matchers(labels: Labels) -> tuple[Matcher, ...]:
    """Return the matchers of an acknowledgement of one alert."""
    return tuple(Matcher(name, value) for name, value in sorted(labels.items()))


class Silences:
    """The silences of one Alertmanager; every method raises `SilenceError` where it cannot tell.

    Parameters
    ----------
    url : str                base address of the Alertmanager
    transport : Transport    sends requests, each bounded in time
    """

    def __init__(self, url: str, transport: Transport) -> None:
        self.url = url
        self._api = url.rstrip("/") + "/api/v2"
        self._transport = transport

    async def list(self) -> tuple[Silence, ...]:
        """Return all there are, expired ones too, as the Alertmanager orders them."""
        answer = await self._transport.ask("GET", f"{self._api}/silences")
        return decoded(answer, tuple[Silence, ...], url=self.url, expected="its silences")

    async def create(
        self,
        matchers: Iterable[Matcher],
        *,
        starts_ns: int,
        ends_ns: int,
        created_by: str,
        comment: str,
    ) -> str:
        """Create a silence from `starts_ns` until `ends_ns`, host time; return its id.

        Raises
        ------
        ConfigError
            If it would not end after its start, or last longer than ``LONGEST_NS``.
        """
        if not starts_ns < ends_ns <= starts_ns + LONGEST_NS:
            days = LONGEST_NS / (24 * 3600 * NANOS_PER_SECOND)
            raise ConfigError(
                f"silence: expected an end after its start and within {days:g} days of it,"
                f" it was {host_time_text(starts_ns)} to {host_time_text(ends_ns)}"
            )
        wanted = _NewSilence(
            matchers=tuple(matchers),
            starts_at=host_time_text(starts_ns),
            ends_at=host_time_text(ends_ns),
            created_by=created_by,
            comment=comment,
        )
        answer = await self._transport.ask(
            "POST", f"{self._api}/silences", msgspec.json.encode(wanted)
        )
        expected = "the id of a new silence"
        return decoded(answer, _Created, url=self.url, expected=expected).silence_id

    async def expire(self, silence_id: str) -> None:
        """End a silence now; one that has ended stays as it is."""
        answer = await self._transport.ask(
            "DELETE", f"{self._api}/silence/{quote(silence_id, safe='')}"
        )
        _check(answer, url=self.url, expected=f"silence {silence_id} to be expired")


def decoded(answer: Answer, kind: type[Content], *, url: str, expected: str) -> Content:
    """Return what an Alertmanager at `url` says; `expected` is that in words.

    Raises
    ------
    SilenceError
        If it refused, did not answer, or says something else.
    """
    _check(answer, url=url, expected=expected)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        raise SilenceError(f"{url}: expected {expected}, it was: {error}") from error


def _check(answer: Answer, *, url: str, expected: str) -> None:
    if not answer.is_success:
        was = answer.body if answer.status is None else f"{answer.status} {answer.body}"
        raise SilenceError(f"{url}: expected {expected}, it was: {was.strip()}")


def _is_whole_match(pattern: str, value: str) -> bool | None:
    """Match as Alertmanager does: RE2, whose time is bounded; None if it does not compile."""
    try:
        found = pc.match_substring_regex(pa.array([value]), pattern=f"^(?:{pattern})$")
    except pa.ArrowInvalid:
        return None
    return bool(found[0].as_py())
