"""Dead letters sent again: what would be sent where, and which ones cannot be."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.universe import Universe
from services.dead_letter_records import Letter
from services.dead_letter_text import events_of
from services.gateway_routes import Route, Routes
from streams.event_fields import HEARTBEAT
from streams.event_kinds import shown
from streams.topics import FLOWS, OPEN_INTEREST, PRICES

MISROUTED = "misrouted"
_NAME_KEYS = {PRICES: "symbol", FLOWS: "fund", OPEN_INTEREST: "underlying"}
"""Topics of events, and the key of their events that leads to a reference."""


@dataclass(frozen=True)
class Resend:
    """A record to be sent again; ``topic`` without prefix, ``why`` its partition was chosen."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    why: str


@dataclass(frozen=True)
class Refusal:
    """Why a letter cannot be sent again, and what to do instead."""

    why: str


class Planner:
    """Says of each letter what sending it again would be.

    Parameters
    ----------
    partitions : callable         topic, without prefix -> how many partitions it has
    universe : callable           -> the universe, None without one; asked for only where needed:
        for what lay on the wrong partition
    """

    def __init__(
        self, partitions: Callable[[str], int], universe: Callable[[], Universe | None]
    ) -> None:
        self._partitions = cache(partitions)
        self._universe = cache(universe)
        self._routes: dict[int, Routes] = {}

    def plan(self, letter: Letter) -> Resend | Refusal:
        """Return what to send for a letter, or why nothing can be."""
        fault = _fault(letter)
        if fault:
            return Refusal(fault)
        count = self._partitions(letter.topic)
        if letter.reason == MISROUTED:
            return self._rerouted(letter, count)
        if not 0 <= letter.partition < count:
            return Refusal(
                f"it came from partition {letter.partition}, and {letter.topic} has {count} now; "
                "have its source send it again"
            )
        return Resend(letter.topic, letter.partition, None, letter.raw, "where it was")

    def _rerouted(self, letter: Letter, count: int) -> Resend | Refusal:
        universe = self._universe()
        if universe is None:
            return Refusal(
                "the partition of its reference follows from the universe, and there is none in "
                "Kafka: --universe names a folder"
            )
        name = _name(letter)
        route = self._route(universe, letter.topic, name=name, count=count)
        if route is None:
            return Refusal(f"{shown(name)} is not in this universe: workers would pass it over")
        reference = route.key.decode()
        return Resend(letter.topic, route.partition, route.key, letter.raw, f"of {reference}")

    def _route(self, universe: Universe, topic: str, *, name: object, count: int) -> Route | None:
        if not isinstance(name, str):
            return None
        if count not in self._routes:
            self._routes[count] = Routes(universe, count)
        routes = self._routes[count]
        find = {
            PRICES: routes.of_symbols,
            FLOWS: routes.of_funds,
            OPEN_INTEREST: routes.of_underlyings,
        }
        return find[topic]([name])[0]


def _fault(letter: Letter) -> str:
    """Return why a letter cannot be sent again wherever it belongs; "" if it can."""
    if letter.file:
        return (
            f"it is line {letter.line} of {letter.file}, which never was a record: mend it there "
            "and have the gateway send it"
        )
    if letter.topic not in _NAME_KEYS:
        return "it did not come from a topic that sources write to"
    return _content_fault(letter)


def _content_fault(letter: Letter) -> str:
    if letter.is_cut:
        return (
            f"the letter holds {len(letter.raw):,} of its {letter.length:,} bytes: have its "
            "source send it again"
        )
    if not letter.raw:
        return "the record had no value: there is nothing to send"
    if hashlib.sha256(letter.raw).hexdigest() != letter.sha256:
        return "its bytes are not those that its SHA-256 was made of: the letter is damaged"
    if _is_heartbeat(letter):
        return (
            "it is a heartbeat: sent late it would say that all before it was sent; its source "
            "sends newer ones"
        )
    return ""


def _is_heartbeat(letter: Letter) -> bool:
    key = _NAME_KEYS[letter.topic]
    return any(
        event.get(HEARTBEAT) is not None and event.get(key) is None
        for event in events_of(letter.raw)
    )


def _name(letter: Letter) -> object:
    events: list[Mapping[str, Any]] = events_of(letter.raw)
    return events[0].get(_NAME_KEYS[letter.topic]) if len(events) == 1 else None
