"""What the alerter remembers across restarts: live states, episodes, and what is still to be said.

The ledger is one JSON value in Redis, written whole (so atomically) before anything is sent.
A ledger is never changed: `advanced`, `noted_sent` and `pruned` return the next one, which counts
only once it is written.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from core.alerts import AlertKey, AlertState, Change, Phase, Reason, Transition, is_judged
from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND
from services.alert_messages import Annotations
from services.resolve_gate import Identity, identity

FORMAT_VERSION = 1
SENT_RETENTION_NS = 15 * 60 * NANOS_PER_SECOND
"""How long a resolve is repeated once every Alertmanager has it, as Prometheus does."""
UNSENT_RETENTION_NS = 24 * 3600 * NANOS_PER_SECOND
"""How long a resolve waits for an Alertmanager that does not come back."""
CLOSED_RETENTION_NS = 7 * 24 * 3600 * NANOS_PER_SECOND
CLOSED_KEPT = 200
"""Ended episodes that stay to be looked at, for at most a week."""
OUTBOX_KEPT = 2_000
"""Transitions that wait for Kafka; the oldest are given up beyond."""

Tell = Callable[[AlertKey, AlertState, Annotations], Annotations]
"""Makes an alert's texts, given the last ones."""
TellEnd = Callable[[Transition, Annotations], Annotations]
"""Makes the texts of a resolve, given the last ones."""


class Episode(msgspec.Struct, frozen=True):
    """One alert from its firing until its resolve needs no repeating.

    ``starts_ns``, ``ends_ns`` and ``sent_ns`` are host time: `startsAt`, `endsAt`, and when every
    Alertmanager first had the resolve. ``resolved_ns`` is market time. ``fired_sequence`` and
    ``sequence`` number its first and last transition among all. What is ``left_out`` fires in a
    storm of others and is not sent by itself; ``placed_ns`` is the host time from which on it is
    sent after all.
    """

    key: AlertKey
    state: AlertState
    starts_ns: int
    fired_sequence: int
    sequence: int
    annotations: Annotations
    ends_ns: int | None = None
    resolved_ns: int | None = None
    reason: Reason = Reason.NONE
    sent_ns: int | None = None
    left_out: bool = False
    placed_ns: int | None = None


class ClosedEpisode(msgspec.Struct, frozen=True):
    """What is left of an episode: times as in `Episode`, ``fires_ns`` market time."""

    key: AlertKey
    starts_ns: int
    ends_ns: int
    fires_ns: int
    resolved_ns: int
    reason: Reason
    peak: float


class TransitionRecord(msgspec.Struct, frozen=True):
    """One line of the topic `alerts`; ``at_ns`` is market time, the other times host time."""

    sequence: int
    change: Change
    key: AlertKey
    at_ns: int
    reason: Reason
    host_ns: int
    starts_ns: int
    state: AlertState


class Ledger(msgspec.Struct, frozen=True):
    """Everything to go on from; ``pending`` states have not fired, all others are in episodes."""

    version: int = FORMAT_VERSION
    sequence: int = 0
    pending: tuple[tuple[AlertKey, AlertState], ...] = ()
    episodes: tuple[Episode, ...] = ()
    closed: tuple[ClosedEpisode, ...] = ()
    outbox: tuple[TransitionRecord, ...] = ()

    def states(self) -> dict[AlertKey, AlertState]:
        """Return the states that `core.lifecycle.step` goes on from: of what rules judge."""
        firing = {one.key: one.state for one in self.firing() if is_judged(one.key)}
        return {**dict(self.pending), **firing}

    def firing(self) -> tuple[Episode, ...]:
        """Return the episodes that have not resolved."""
        return tuple(episode for episode in self.episodes if episode.ends_ns is None)


class LedgerError(ConfigError):
    """The stored ledger is not of a format this release reads."""


class _Versioned(msgspec.Struct):
    version: int


def encode(ledger: Ledger) -> bytes:
    """Return the ledger as it is stored."""
    return msgspec.json.encode(ledger)


def decode(stored: bytes) -> Ledger:
    """Return the ledger of stored bytes.

    Raises
    ------
    LedgerError
        if it is of another format version, or none at all
    """
    try:
        version = msgspec.json.decode(stored, type=_Versioned).version
        if version == FORMAT_VERSION:
            return msgspec.json.decode(stored, type=Ledger)
        found = f"version {version}"
    except msgspec.DecodeError as error:
        found = f"{len(stored)} bytes that do not decode ({error})"
    raise LedgerError(
        f"forcedflow:alerts in Redis: expected an alert ledger of format version {FORMAT_VERSION},"
        f" found {found}. Run the release that wrote it, or delete the key to begin anew:"
        " what fires then pages again."
    )


def advanced(
    ledger: Ledger,
    states: Mapping[AlertKey, AlertState],
    transitions: Iterable[Transition],
    *,
    now_ns: int,
    tell: Tell,
    tell_end: TellEnd,
) -> Ledger:
    """Return the ledger after one evaluation.

    ``states`` are all live states after it, ``transitions`` what it changed, in order; ``now_ns``
    is the host time that firings start and resolves end at.
    """
    episodes = {episode.key: episode for episode in ledger.episodes}
    closed = list(ledger.closed)
    records = []
    sequence = ledger.sequence
    for transition in transitions:
        sequence += 1
        key = transition.key
        before = episodes.get(key)
        if before is not None and before.ends_ns is not None:
            closed.append(closed_episode(before, before.ends_ns))
            before = None
        after = _after(before, transition, sequence, now_ns=now_ns, tell=tell, tell_end=tell_end)
        episodes[key] = after
        records.append(_record(transition, after, now_ns))
    live = [_with_state(episode, states) for episode in episodes.values()]
    pending = [item for item in states.items() if item[1].phase is Phase.PENDING]
    return msgspec.structs.replace(
        ledger,
        sequence=sequence,
        pending=tuple(pending),
        episodes=tuple(live),
        closed=tuple(closed[-CLOSED_KEPT:]),
        outbox=(*ledger.outbox, *records)[-OUTBOX_KEPT:],
    )


def acknowledged(ledger: Ledger, sequence: int) -> Ledger:
    """Return the ledger without the outbox records that Kafka has, up to `sequence`."""
    if not ledger.outbox or ledger.outbox[0].sequence > sequence:
        return ledger
    rest = tuple(record for record in ledger.outbox if record.sequence > sequence)
    return msgspec.structs.replace(ledger, outbox=rest)


def noted_sent(
    ledger: Ledger, delivered: int, *, withheld: frozenset[Identity], now_ns: int
) -> Ledger:
    """Return the ledger with the resolves marked that every Alertmanager has accepted.

    ``delivered`` is the sequence up to which all of them were told, except that what is
    ``withheld`` is over.
    """
    newly = {
        episode.key
        for episode in ledger.episodes
        if _is_newly_sent(episode, delivered) and not _is_withheld(episode, withheld)
    }
    if not newly:
        return ledger
    episodes = tuple(
        msgspec.structs.replace(episode, sent_ns=now_ns) if episode.key in newly else episode
        for episode in ledger.episodes
    )
    return msgspec.structs.replace(ledger, episodes=episodes)


def pruned(
    ledger: Ledger,
    *,
    now_ns: int,
    has_peers: bool,
    withheld: frozenset[Identity] = frozenset(),
    told_since_ns: int = 0,
) -> Ledger:
    """Return the ledger without the resolves that were repeated long enough, and old episodes.

    Without an Alertmanager (``has_peers`` false) a resolve counts as sent when it happened; what
    is ``withheld`` stays however long that takes. ``told_since_ns`` is when this alerter began to
    tell, host time: what was withheld before it waits as if it had ended then.
    """
    keeps, ends = [], []
    for episode in ledger.episodes:
        ends_ns = episode.ends_ns
        if ends_ns is None or _is_withheld(episode, withheld):
            keeps.append(episode)
        elif now_ns >= _kept_until_ns(episode, max(ends_ns, told_since_ns), has_peers=has_peers):
            ends.append(closed_episode(episode, ends_ns))
        else:
            keeps.append(episode)
    oldest_ns = now_ns - CLOSED_RETENTION_NS
    if not ends and not any(episode.ends_ns < oldest_ns for episode in ledger.closed):
        return ledger
    closed = [episode for episode in (*ledger.closed, *ends) if episode.ends_ns >= oldest_ns]
    return msgspec.structs.replace(
        ledger, episodes=tuple(keeps), closed=tuple(closed[-CLOSED_KEPT:])
    )


def closed_episode(episode: Episode, ends_ns: int) -> ClosedEpisode:
    """Return what is kept of an episode that ended at `ends_ns`, host time."""
    return ClosedEpisode(
        key=episode.key,
        starts_ns=episode.starts_ns,
        ends_ns=ends_ns,
        fires_ns=episode.state.fires_ns,
        resolved_ns=episode.resolved_ns or ends_ns,
        reason=episode.reason,
        peak=episode.state.peak,
    )


def _after(
    before: Episode | None,
    transition: Transition,
    sequence: int,
    *,
    now_ns: int,
    tell: Tell,
    tell_end: TellEnd,
) -> Episode:
    if before is None:
        before = Episode(
            key=transition.key,
            state=transition.state,
            starts_ns=now_ns,
            fired_sequence=sequence,
            sequence=sequence,
            annotations={},
        )
    if transition.change is not Change.RESOLVED:
        texts = tell(transition.key, transition.state, before.annotations)
        return msgspec.structs.replace(
            before, state=transition.state, sequence=sequence, annotations=texts
        )
    return msgspec.structs.replace(
        before,
        state=transition.state,
        sequence=sequence,
        annotations=tell_end(transition, before.annotations),
        # The host's clock may have been set back since. Alertmanager refuses an end before the
        # start, and goes on until one that is still to come.
        starts_ns=min(before.starts_ns, now_ns),
        ends_ns=now_ns,
        resolved_ns=transition.at_ns,
        reason=transition.reason,
    )


def _with_state(episode: Episode, states: Mapping[AlertKey, AlertState]) -> Episode:
    state = states.get(episode.key)
    if episode.ends_ns is not None or state is None or state is episode.state:
        return episode
    return msgspec.structs.replace(episode, state=state)


def _record(transition: Transition, episode: Episode, now_ns: int) -> TransitionRecord:
    return TransitionRecord(
        sequence=episode.sequence,
        change=transition.change,
        key=transition.key,
        at_ns=transition.at_ns,
        reason=transition.reason,
        host_ns=now_ns,
        starts_ns=episode.starts_ns,
        state=transition.state,
    )


def _is_newly_sent(episode: Episode, delivered: int) -> bool:
    is_resolved = episode.ends_ns is not None
    return is_resolved and episode.sent_ns is None and episode.sequence <= delivered


def _is_withheld(episode: Episode, withheld: frozenset[Identity]) -> bool:
    return bool(withheld) and identity(episode.key._asdict()) in withheld


def _kept_until_ns(episode: Episode, waits_ns: int, *, has_peers: bool) -> int:
    if episode.sent_ns is not None:
        return episode.sent_ns + SENT_RETENTION_NS
    return waits_ns + (UNSENT_RETENTION_NS if has_peers else SENT_RETENTION_NS)
