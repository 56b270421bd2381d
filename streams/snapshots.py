"""What is saved of a partition: each topic's state and offset, field by field of one hash.

A topic has a head, with the offset and the names that the rest refers to, and a field a session.
Only what changed since the last save is written; all of it in one step, so that offset and state
never part. Everything is keyed by name: another universe takes it up as well.
"""

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
from streams.logs import Log, LogIdentity
from streams.state_format import OtherFormatError, StateError, decode_state, encode_state
from streams.topics import CLOSES, FLOWS, PRICES

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


Session = PriceState | FlowState | RecordedState


@dataclass(frozen=True)
class _Kind:
    """How the sessions of a topic are copied, and which version of them there is; None: nothing."""

    state: type[Session]
    copy: Callable[[Book, Day], Session]
    version: Callable[[Day], tuple[int, bool] | None]
    restore: Callable[[Restorer, Any], None]


def _prices_version(day: Day) -> tuple[int, bool] | None:
    is_whole = day.buckets is not None
    return (day.version, is_whole) if is_whole or day.recorded.is_pending else None


def _flows_version(day: Day) -> tuple[int, bool] | None:
    is_whole = day.buckets is not None
    is_there = day.later_creations is not None and (is_whole or day.recorded.is_pending)
    return (day.flows_version, is_whole) if is_there else None


def _closes_version(day: Day) -> tuple[int, bool] | None:
    return (day.recorded.version, day.buckets is not None) if day.recorded.version else None


_KINDS: Mapping[str, _Kind] = {
    PRICES: _Kind(PriceState, price_state, _prices_version, Restorer.prices),
    FLOWS: _Kind(FlowState, flow_state, _flows_version, Restorer.flows),
    CLOSES: _Kind(RecordedState, recorded_state, _closes_version, Restorer.recorded),
}


def session_field(topic: str, label: int) -> str:
    """Return the name of the field of a topic's session."""
    return f"{topic}/{label}"


@dataclass
class Copy:
    """What one save writes: copied in one step, to be encoded elsewhere.

    ``states`` by field; ``removed`` fields; ``next`` by topic; ``versions`` by field of everything
    that the hash holds after it.
    """

    states: dict[str, Head | Session] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    next: dict[str, int] = field(default_factory=dict)
    versions: dict[str, tuple[int, bool]] = field(default_factory=dict)

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
        self.versions: dict[str, tuple[int, bool]] = {}

    def forget(self) -> None:
        """Have the next save write everything."""
        self.after = None
        self.next, self.versions = {}, {}

    def take(self, copy: Copy) -> None:
        """Note that a copy was saved."""
        self.after = self.number
        self.next |= copy.next
        self.versions = copy.versions


def copy_of(
    book: Book, logs: Mapping[str, Log], identities: Mapping[str, LogIdentity], saved: Saved
) -> Copy | None:
    """Copy what has changed since the last save; None where nothing has."""
    copy = Copy(versions=dict(saved.versions))
    names, beats = names_of(book), beats_of(book)
    for topic, kind in _KINDS.items():
        if logs[topic].next == saved.next.get(topic):
            continue
        copy.next[topic] = logs[topic].next
        sessions = []
        for label, version in _versions(book, kind):
            name = session_field(topic, label)
            sessions.append(label)
            if version != saved.versions.get(name):
                copy.states[name] = kind.copy(book, book.days[label])
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


def _versions(book: Book, kind: _Kind) -> Iterator[tuple[int, tuple[int, bool]]]:
    newest = max(book.days, default=0)
    for label, day in book.days.items():
        version = kind.version(day)
        if version is not None and label > newest - KEPT_DAYS:
            yield label, version


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
        for label in sorted(old.days):
            if kind.version(old.days[label]) is not None:
                kind.restore(restorer, kind.copy(old, old.days[label]))


def _label(state: Session) -> int:
    return state.prices.label if isinstance(state, RecordedState) else state.label
