"""What is saved of a partition: each topic's state and offset, field by field of one hash.

A topic has a head, with the offset and the names that the rest refers to, and a field a session.
Only what changed since the last save is written; all of it in one step, so that offset and state
never part. Everything is keyed by name: another universe takes it up as well.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from core.book import Book
from core.book_state import (
    Beats,
    FlowState,
    Names,
    PriceState,
    RecordedState,
    Restorer,
    beats_of,
    flow_state,
    names_of,
    price_state,
    recorded_state,
)
from core.day import Day
from core.interest_state import InterestState, interest_state
from streams.logs import Log, LogIdentity
from streams.state_format import OtherFormatError, StateError, decode_state, encode_state
from streams.topics import CLOSES, FLOWS, OPEN_INTEREST, PRICES

KEPT_DAYS = 400
"""Results of sessions further back are left out, as Kafka does."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Head:
    """The part of a topic's snapshot that is written with every save of it.

    ``next`` is the offset of the first record that is not in the state, ``applied`` how many
    records are. ``sessions`` are the labels that have a field.
    """

    identity: LogIdentity
    next: int
    applied: int
    names: Names
    beats: Beats
    sessions: list[int]


Session = PriceState | FlowState | RecordedState | InterestState
Version = tuple[int, bool]


@dataclass(frozen=True)
class _Kind:
    """How the sessions of a topic are copied, and which versions of them there are, by label.

    ``every_seconds`` is the least time between two saves.
    """

    state: type[Session]
    copy: Callable[[Book, int], Session]
    versions: Callable[[Book], dict[int, Version]]
    restore: Callable[[Restorer, Any], None]
    every_seconds: float = 0.0


def _price_versions(book: Book) -> dict[int, Version]:
    return {
        label: (day.version, day.buckets is not None)
        for label, day in _recent(book)
        if day.buckets is not None or day.recorded.is_pending
    }


def _flow_versions(book: Book) -> dict[int, Version]:
    return {
        label: (day.flows_version, day.buckets is not None)
        for label, day in _recent(book)
        if day.later_creations is not None and (day.buckets is not None or day.recorded.is_pending)
    }


def _recorded_versions(book: Book) -> dict[int, Version]:
    return {
        label: (day.recorded.version, day.buckets is not None)
        for label, day in _recent(book)
        if day.recorded.version
    }


def _interest_versions(book: Book) -> dict[int, Version]:
    version = book.options.state.version
    return {0: (version, True)} if version else {}


def _recent(book: Book) -> Iterator[tuple[int, Day]]:
    newest = max(book.days, default=0)
    return ((label, day) for label, day in book.days.items() if label > newest - KEPT_DAYS)


_KINDS: Mapping[str, _Kind] = {
    PRICES: _Kind(
        PriceState,
        lambda book, label: price_state(book, book.days[label]),
        _price_versions,
        Restorer.prices,
    ),
    FLOWS: _Kind(
        FlowState,
        lambda book, label: flow_state(book, book.days[label]),
        _flow_versions,
        Restorer.flows,
    ),
    CLOSES: _Kind(
        RecordedState,
        lambda book, label: recorded_state(book, book.days[label]),
        _recorded_versions,
        Restorer.recorded,
    ),
    OPEN_INTEREST: _Kind(
        InterestState,
        lambda book, _: interest_state(book.options),
        _interest_versions,
        Restorer.open_interest,
        every_seconds=30.0,
    ),
}


def session_field(topic: str, label: int) -> str:
    """Return the name of the field of a topic's session."""
    return f"{topic}/{label}"


@dataclass
class Copy:
    """What one save writes: copied in one step, to be encoded elsewhere.

    ``after`` is the number of the save that it adds to, None where it is everything. ``states`` by
    field; ``removed`` fields; ``next`` by topic; ``versions`` by field of everything that the hash
    holds after it.
    """

    after: int | None
    states: dict[str, Head | Session] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    next: dict[str, int] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)

    def encoded(self) -> dict[str, bytes]:
        """Return the fields as bytes."""
        return {name: encode_state(state) for name, state in self.states.items()}


class Saved:
    """What the hash of a partition holds, as far as its owner knows.

    Parameters
    ----------
    token : int           of the owner: numbers of saves begin above it, so that none comes twice

    Attributes
    ----------
    number : int          of the last save that was tried
    after : int | None    of the last that was written; None where the next one writes everything
    """

    def __init__(self, token: int) -> None:
        self.number = token
        self.after: int | None = None
        self.next: dict[str, int] = {}
        self.versions: dict[str, Version] = {}
        self.at: dict[str, float] = {}

    def forget(self) -> None:
        """Have the next save write everything."""
        self.after = None
        self.next, self.versions, self.at = {}, {}, {}

    def take(self, copy: Copy, now: float) -> None:
        """Note that a copy was saved at a time, in seconds."""
        self.after = self.number
        self.next |= copy.next
        self.versions = copy.versions
        self.at |= dict.fromkeys(copy.next, now)


def copy_of(
    book: Book,
    logs: Mapping[str, Log],
    identities: Mapping[str, LogIdentity],
    saved: Saved,
    *,
    now: float = math.inf,
) -> Copy | None:
    """Copy what has changed since the last save; None where nothing has.

    ``now`` are the seconds that say whether a topic is due that is not saved each time.
    """
    copy = Copy(saved.after, versions=dict(saved.versions))
    names, beats = names_of(book), beats_of(book)
    for topic, kind in _KINDS.items():
        is_early = now - saved.at.get(topic, -math.inf) < kind.every_seconds
        if logs[topic].next == saved.next.get(topic) or is_early:
            continue
        copy.next[topic] = logs[topic].next
        sessions = []
        for label, version in kind.versions(book).items():
            name = session_field(topic, label)
            sessions.append(label)
            if version != saved.versions.get(name):
                copy.states[name] = kind.copy(book, label)
                copy.versions[name] = version
        copy.states[topic] = Head(
            identity=identities[topic],
            next=logs[topic].next,
            applied=logs[topic].applied,
            names=names,
            beats=beats,
            sessions=sessions,
        )
        there = {session_field(topic, label) for label in sessions}
        gone = [
            name for name in saved.versions if name.startswith(f"{topic}/") and name not in there
        ]
        copy.removed += gone
        for name in gone:
            del copy.versions[name]
    return copy if copy.states else None


@dataclass(frozen=True)
class Found:
    """What a hash holds of one topic: its head and sessions, or why there is nothing to use."""

    head: Head | None
    sessions: list[Session]
    problem: str = ""


def read_fields(fields: Mapping[str, bytes]) -> dict[str, Found]:
    """Decode the fields of a partition's hash, by topic; what cannot be used says why."""
    return {topic: _found(topic, kind, fields) for topic, kind in _KINDS.items()}


def _found(topic: str, kind: _Kind, fields: Mapping[str, bytes]) -> Found:
    content = fields.get(topic)
    if content is None:
        return Found(None, [], "none")
    try:
        head = decode_state(Head, content)
        sessions = [
            decode_state(kind.state, fields[session_field(topic, label)]) for label in head.sessions
        ]
    except OtherFormatError as error:
        log.warning("snapshot_of_another_format", topic=topic, error=str(error))
        return Found(None, [], "other_format")
    except (StateError, KeyError) as error:
        log.exception("snapshot_refused", topic=topic, why=repr(error))
        return Found(None, [], "refused")
    return Found(head, sessions)


def restore(book: Book, found: Mapping[str, Found]) -> None:
    """Offer the sessions of all topics to a book."""
    for topic, kind in _KINDS.items():
        head = found[topic].head
        if head is not None:
            restorer = Restorer(book, head.names)
            restorer.beats(head.beats)
            for state in sorted(found[topic].sessions, key=_label):
                kind.restore(restorer, state)


def hand_over(old: Book, new: Book) -> None:
    """Have a book of another universe take up what one of the universe before holds."""
    restorer = Restorer(new, names_of(old))
    restorer.beats(beats_of(old))
    for kind in _KINDS.values():
        for label in sorted(kind.versions(old)):
            kind.restore(restorer, kind.copy(old, label))


def _label(state: Session) -> int:
    return state.prices.label if isinstance(state, RecordedState) else state.label
