"""Which resolves an Alertmanager may be told: it drops what ends under a silence, for good.

So before the first telling of a resolve its silences are read. One that names exactly this alert,
an acknowledgement, is expired first; under any other the alert is kept extended, and its resolve
is told once that silence has ended. Where silences cannot be read nobody knows, and the alert is
kept extended too. Nothing waits for this: pushes go on, and a decided resolve asks for the next.
A silence about to begin, such as maintenance from the close on, counts as one that has.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog

from core.sessions import NANOS_PER_SECOND
from services.alert_messages import PostableAlert
from services.clock import Clock
from services.silences import Silence, SilenceError, Silences

log = structlog.get_logger(__name__)

DECISION_SECONDS = 5.0
"""How long a decision serves: a resolve not told by then is decided anew."""

SOON = timedelta(seconds=60)
"""A silence that begins so soon counts already: a group tells of a resolve at its next interval."""
LOOK_SECONDS = 5.0
"""How long what was read of silences serves those who ask for acknowledgements."""
LOOKED_SECONDS = 15.0
"""Who asked longer ago, or never, knows of no acknowledgement and of no lack of one."""

Identity = frozenset[tuple[str, str]]
"""The labels of an alert."""
SilenceEvent = Literal["read", "failed", "expired"]
_Verdict = Literal["undecided", "held", "free", "told"]


def identity(labels: Mapping[str, str]) -> Identity:
    """Return what an Alertmanager knows an alert by."""
    return frozenset(labels.items())


@dataclass(frozen=True)
class Resolve:
    """An alert that is over: as it is told, and as it is kept up until then.

    ``was_told`` is what the ledger knows: every Alertmanager has been told, in an earlier term
    perhaps, so that nothing is left to decide; it is only repeated.
    """

    ended: PostableAlert
    extended: PostableAlert
    was_told: bool = False


@dataclass(frozen=True)
class Admission:
    """What one push says of the resolves; ``withheld`` are the alerts not told to be over."""

    alerts: tuple[PostableAlert, ...]
    withheld: frozenset[Identity]


@dataclass(frozen=True)
class GateObserver:
    """Where a gate reports, by its peer: what it did with silences, how many resolves it holds."""

    silences: Callable[[str, SilenceEvent], None]
    held: Callable[[str, int], None]


@dataclass
class _Door:
    labels: Mapping[str, str]
    verdict: _Verdict = "undecided"
    decided_at: float = 0.0


class ResolveGate:
    """The gate of one Alertmanager.

    Parameters
    ----------
    silences : Silences
    on_free : Callable[[], None]    called when a resolve may be told that could not be before

    Attributes
    ----------
    review : asyncio.Task or None    the last reading of silences, under way or done
    """

    def __init__(
        self,
        silences: Silences,
        *,
        clock: Clock,
        observer: GateObserver,
        on_free: Callable[[], None],
    ) -> None:
        self._silences = silences
        self._clock = clock
        self._observer = observer
        self._on_free = on_free
        self._doors: dict[tuple[Identity, str], _Door] = {}
        self.review: asyncio.Task[None] | None = None
        self._held: frozenset[Identity] = frozenset()
        self._is_failing = False
        self._active: tuple[Silence, ...] = ()
        self._looked_at: float | None = None

    def look(self) -> None:
        """Read silences anew unless that was done a moment ago; `has_looked` tells when."""
        age = self._age()
        if age is None or age >= LOOK_SECONDS:
            self._start()

    def has_looked(self) -> bool:
        """Return whether silences were asked for lately, answered or not."""
        age = self._age()
        return age is not None and age <= LOOKED_SECONDS

    def acknowledges(self, labels: Mapping[str, str], *, now: datetime) -> bool:
        """Return whether a silence last seen names exactly this alert, and has not ended."""
        return any(one.ends_at > now and one.names_exactly(labels) for one in self._active)

    def admit(self, resolves: Iterable[Resolve]) -> Admission:
        """Return what a push may say now; what is not decided is reviewed meanwhile."""
        doors: dict[tuple[Identity, str], _Door] = {}
        alerts, withheld = [], set()
        for resolve in resolves:
            ended = resolve.ended
            at = (identity(ended.labels), ended.ends_at)
            door = doors[at] = self._doors.get(at) or _new_door(resolve)
            if door.verdict == "told" or self._is_free(door):
                alerts.append(ended)
                continue
            withheld.add(at[0])
            # Until it is decided nothing is said: a peer that was away may never have known it.
            if door.verdict != "undecided":
                alerts.append(resolve.extended)
        self._doors = doors
        self._note_held()
        self._observer.held(self._silences.url, len(withheld))
        if withheld:
            self._start()
        return Admission(tuple(alerts), frozenset(withheld))

    def told(self, admission: Admission) -> None:
        """Note that a push which said this was accepted."""
        for (labels, _ends_at), door in self._doors.items():
            if door.verdict == "free" and labels not in admission.withheld:
                door.verdict = "told"

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether the resolve of these labels was decided not to be told yet."""
        return identity(labels) in self._held

    def _start(self) -> None:
        if self.review is None or self.review.done():
            self.review = asyncio.create_task(self._decide())

    def _note_held(self) -> None:
        self._held = frozenset(
            labels for (labels, _), door in self._doors.items() if door.verdict == "held"
        )

    def _age(self) -> float | None:
        return None if self._looked_at is None else self._clock.monotonic() - self._looked_at

    def _is_free(self, door: _Door) -> bool:
        age = self._clock.monotonic() - door.decided_at
        if door.verdict == "free" and age > DECISION_SECONDS:
            door.verdict = "held"
        return door.verdict == "free"

    async def _decide(self) -> None:
        waiting = [door for door in self._doors.values() if door.verdict in {"undecided", "held"}]
        try:
            every = await self._silences.list()
            soon = datetime.fromtimestamp(self._clock.now_ns() / NANOS_PER_SECOND, UTC) + SOON
            active = [one for one in every if one.is_active_by(soon)]
            self._active = tuple(one for one in active if one.is_active)
            self._observer.silences(self._silences.url, "read")
            found = [(door, self._decided(door, active)) for door in waiting]
            # Last, for it may fail: what nobody has acknowledged does not depend on it.
            for door, acknowledgements in found:
                if acknowledgements:
                    await self._expire(door, acknowledgements)
        except SilenceError as error:
            self._fail(error)
        except Exception as error:
            log.exception("silences_not_understood", peer=self._silences.url)
            self._fail(error)
        else:
            self._is_failing = False
        self._looked_at = self._clock.monotonic()
        for door in waiting:
            if door.verdict == "undecided":
                door.verdict = "held"
        self._note_held()
        # What came meanwhile is undecided: the next push has it reviewed.
        if any(door.verdict == "free" for door in waiting) or self._has_undecided():
            self._on_free()

    def _has_undecided(self) -> bool:
        return any(door.verdict == "undecided" for door in self._doors.values())

    def _decided(self, door: _Door, active: Iterable[Silence]) -> list[Silence]:
        """Decide what no acknowledgement is in the way of; return those that are."""
        covering = [silence for silence in active if silence.covers(door.labels)]
        broader = [silence.id for silence in covering if not silence.names_exactly(door.labels)]
        if broader:
            if door.verdict == "undecided":
                log.info("resolve_held", peer=self._silences.url, silences=broader, **door.labels)
            door.verdict = "held"
            return []
        if not covering:
            self._set_free(door)
        return covering

    async def _expire(self, door: _Door, acknowledgements: Iterable[Silence]) -> None:
        for silence in acknowledgements:
            await self._silences.expire(silence.id)
            self._observer.silences(self._silences.url, "expired")
            log.info(
                "acknowledgement_expired",
                peer=self._silences.url,
                silence=silence.id,
                created_by=silence.created_by,
                **door.labels,
            )
        self._set_free(door)

    def _set_free(self, door: _Door) -> None:
        door.verdict = "free"
        door.decided_at = self._clock.monotonic()

    def _fail(self, error: Exception) -> None:
        self._observer.silences(self._silences.url, "failed")
        if not self._is_failing:
            log.error("silences_unreadable", peer=self._silences.url, error=str(error))
        self._is_failing = True


def _new_door(resolve: Resolve) -> _Door:
    return _Door(resolve.ended.labels, "told" if resolve.was_told else "undecided")
