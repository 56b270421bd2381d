"""Silences on every configured Alertmanager at once.

Alertmanagers that gossip share their silences: of these one is told. Which of them do is asked
each time, since nothing else knows; one that does not answer is told nothing, and is reported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from services.alertmanager_http import Transport
from services.silence_request import Window
from services.silences import Matcher, Silence, SilenceError, Silences, decoded

Answer = TypeVar("Answer")


class _Peer(msgspec.Struct):
    name: str


class _Cluster(msgspec.Struct):
    name: str = ""
    peers: tuple[_Peer, ...] | None = None


class _Status(msgspec.Struct):
    cluster: _Cluster


class AlertNow(msgspec.Struct, frozen=True, rename="camel"):
    """An alert that an Alertmanager holds, told or silenced."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str


@dataclass(frozen=True)
class Sight:
    """What one Alertmanager says of itself; ``members`` are its cluster's names, "" if alone."""

    url: str
    members: frozenset[str]
    silences: tuple[Silence, ...]
    alerts: tuple[AlertNow, ...]


@dataclass(frozen=True)
class Desk:
    """What all of them say.

    Attributes
    ----------
    clusters : tuple[tuple[Sight, ...], ...]    those in one tuple share their silences
    unreached : tuple[str, ...]                 one text each that does not answer
    """

    clusters: tuple[tuple[Sight, ...], ...]
    unreached: tuple[str, ...] = ()

    def alerts(self) -> list[AlertNow]:
        """Return the alerts that any of them holds, each once."""
        sights = [sight for cluster in self.clusters for sight in cluster]
        found = {
            tuple(sorted(alert.labels.items())): alert for sight in sights for alert in sight.alerts
        }
        return [found[labels] for labels in sorted(found)]

    def silences(self) -> list["Held"]:
        """Return the silences there are, each once, by their ends."""
        held: dict[str, Held] = {}
        for sight in (sight for cluster in self.clusters for sight in cluster):
            for silence in sight.silences:
                held.setdefault(silence.id, Held(silence)).urls.append(sight.url)
        return sorted(held.values(), key=lambda each: (each.silence.ends_at, each.silence.id))


@dataclass(frozen=True)
class Held:
    """A silence, and the Alertmanagers that have it."""

    silence: Silence
    urls: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What came of a change: ids of silences, and one text for each place where it failed."""

    ids: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


async def look(urls: Sequence[str], transport: Transport) -> Desk:
    """Return what the Alertmanagers at these addresses hold."""
    found = await asyncio.gather(*(_sight(url, transport) for url in urls), return_exceptions=True)
    unreached = []
    sights = []
    for each in found:
        if isinstance(each, SilenceError):
            unreached.append(str(each))
        elif isinstance(each, BaseException):
            raise each
        else:
            sights.append(each)
    return Desk(_clusters(sights), tuple(unreached))


async def create(
    desk: Desk,
    matchers: Iterable[Matcher],
    transport: Transport,
    *,
    window: Window,
    author: str,
    comment: str,
) -> Outcome:
    """Create one silence in each cluster."""
    wanted = tuple(matchers)

    async def in_one(silences: Silences) -> str:
        return await silences.create(
            wanted,
            starts_ns=window.starts_ns,
            ends_ns=window.ends_ns,
            created_by=author,
            comment=comment,
        )

    return await _in_each(desk.clusters, transport, in_one)


async def expire(desk: Desk, silence_id: str, transport: Transport) -> Outcome:
    """End a silence wherever it is and has not ended; no ids where it is nowhere."""
    having = tuple(
        holders
        for cluster in desk.clusters
        if (holders := tuple(sight for sight in cluster if _has(sight, silence_id)))
    )

    async def in_one(silences: Silences) -> str:
        await silences.expire(silence_id)
        return silence_id

    return await _in_each(having, transport, in_one)


def _has(sight: Sight, silence_id: str) -> bool:
    return any(
        silence.id == silence_id and silence.status.state != "expired" for silence in sight.silences
    )


async def _in_each(
    clusters: Iterable[Sequence[Sight]],
    transport: Transport,
    change: Callable[[Silences], Awaitable[str]],
) -> Outcome:
    """Make a change in each cluster, by the first of its members that takes it."""
    ids, failures = [], []
    for cluster in clusters:
        refused = []
        for sight in cluster:
            try:
                ids.append(await change(Silences(sight.url, transport)))
                break
            except SilenceError as error:
                refused.append(str(error))
        else:
            failures += refused
    return Outcome(tuple(ids), tuple(failures))


async def _sight(url: str, transport: Transport) -> Sight:
    status, alerts, silences = await asyncio.gather(
        _asked(url, "status", transport, _Status),
        _asked(url, "alerts", transport, tuple[AlertNow, ...]),
        Silences(url, transport).list(),
    )
    members = frozenset(peer.name for peer in status.cluster.peers or ())
    return Sight(url, members, silences, alerts)


async def _asked(url: str, what: str, transport: Transport, kind: type[Answer]) -> Answer:
    answer = await transport.ask("GET", f"{url.rstrip('/')}/api/v2/{what}")
    return decoded(answer, kind, url=url, expected=f"its {what}")


def _clusters(sights: Iterable[Sight]) -> tuple[tuple[Sight, ...], ...]:
    clusters: list[list[Sight]] = []
    for sight in sights:
        for cluster in clusters:
            if any(sight.members & other.members for other in cluster):
                cluster.append(sight)
                break
        else:
            clusters.append([sight])
    return tuple(tuple(cluster) for cluster in clusters)
