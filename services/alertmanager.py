"""Client of the Alertmanagers: every one is served by itself, none waits for another.

`Fleet.poke` is called ten times a second and starts the pushes that are due; an attempt builds
its batch afresh, so nothing older than the attempt is ever sent. Alertmanager forgets its alerts
when it restarts and ends them at `endsAt`, hence the resend every five seconds; an empty batch is
sent too, so that an unreachable Alertmanager is known before there is something to say. What is
over goes through the peer's `ResolveGate` first.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec
import structlog

from core.sessions import NANOS_PER_SECOND
from services.alert_messages import PostableAlert
from services.alertmanager_http import Answer, Transport
from services.clock import Clock
from services.refusals import isolate
from services.resolve_gate import Admission, GateObserver, Identity, Resolve, ResolveGate, identity
from services.silences import Silences
from streams.cancelling import end_tasks

log = structlog.get_logger(__name__)

RESEND_SECONDS = 5.0
"""From one successful push to the next; `endsAt` survives 59 that are missed."""
MAX_AGE_SECONDS = 5.0
"""A batch built longer ago than this is given up; the next attempt builds a new one."""
FIRST_RETRY_SECONDS = 0.25
LAST_RETRY_SECONDS = 1.0
"""Bounds of the wait after a failure, before jitter: a peer that is back is served in 1.5 s."""
REFUSAL_SECONDS = 60.0
"""How long an alert that a peer refused by itself stays out of that peer's batches."""
FORGOTTEN_NS = 24 * 3600 * NANOS_PER_SECOND
"""How long what a peer withheld counts once the peer is gone."""

Outcome = Literal["ok", "refused", "bug", "rejected", "error", "timeout", "unreachable"]
OUTCOMES: tuple[Outcome, ...] = (
    "ok",
    "refused",
    "bug",
    "rejected",
    "error",
    "timeout",
    "unreachable",
)


@dataclass(frozen=True)
class Batch:
    """All alerts as they stand at one instant; ``sequence`` counts the changes they include.

    ``alerts`` fire, ``resolves`` are over.
    """

    sequence: int
    alerts: tuple[PostableAlert, ...]
    resolves: tuple[Resolve, ...] = ()


@dataclass(frozen=True)
class PushObserver:
    """Where a peer reports its pushes: outcome and seconds, and how many alerts were refused."""

    pushed: Callable[[str, Outcome, float], None]
    refused: Callable[[str, int], None]
    gate: GateObserver


_BY_STATUS: dict[int, Outcome] = {400: "refused", 415: "bug", 422: "refused", 429: "error"}
_BY_HUNDRED: dict[int, Outcome] = {2: "ok", 5: "error"}


def judge(answer: Answer) -> Outcome:
    """Return what an answer of Alertmanager means for the batch it was given."""
    status = answer.status
    if status is None:
        return "timeout" if answer.is_timeout else "unreachable"
    return _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, "rejected")


class Peer:
    """One Alertmanager: when it is due, what it refused, and up to which change it was told."""

    def __init__(
        self,
        url: str,
        *,
        transport: Transport,
        clock: Clock,
        jitter: Callable[[], float],
        observer: PushObserver,
    ) -> None:
        self.url = url
        self.delivered = 0
        """Sequence of the last batch accepted."""
        self.withheld: frozenset[Identity] = frozenset()
        """Alerts that are over and that the last batch accepted does not say to be over."""
        self.last_success_ns: int | None = None
        self.outcome: Outcome | None = None
        self._endpoint = url.rstrip("/") + "/api/v2/alerts"
        self._transport = transport
        self._clock = clock
        self._jitter = jitter
        self._observer = observer
        self._is_wanted = True
        self._failures = 0
        self._next_at = clock.monotonic()
        self._refused_until: dict[Identity, float] = {}
        self._gate = ResolveGate(
            Silences(url, transport), clock=clock, observer=observer.gate, on_free=self._on_free
        )
        self.on_wanted: Callable[[], None] = lambda: None
        """Called when a push is wanted that nobody asked for."""

    def request(self) -> None:
        """Ask for a push now instead of at the next resend; a failing peer keeps its pace."""
        self._is_wanted = True

    def is_due(self) -> bool:
        """Return whether a push should be started now."""
        if self._is_wanted and self._failures == 0:
            return True
        return self._clock.monotonic() >= self._next_at

    def has_refused(self, labels: Mapping[str, str]) -> bool:
        """Return whether this peer refused this very label set within the last minute."""
        until = self._refused_until.get(identity(labels))
        return until is not None and until > self._clock.monotonic()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether a silence of this peer keeps it from being told that this is over."""
        return self._gate.holds(labels)

    @property
    def gate(self) -> ResolveGate:
        """What this peer knows of its silences."""
        return self._gate

    async def push(self, build: Callable[[], Batch]) -> None:
        """Send everything once, and judge the answer; never raises for what a peer does."""
        self._is_wanted = False
        started = self._clock.monotonic()
        batch = build()
        admission = self._gate.admit(batch.resolves)
        every = (*batch.alerts, *admission.alerts)
        alerts = [alert for alert in every if not self.has_refused(alert.labels)]
        answer = await self._post(alerts)
        outcome = judge(answer)
        if outcome == "refused":
            self._observer.pushed(self.url, outcome, self._clock.monotonic() - started)
            log.warning("alertmanager_refused", peer=self.url, alerts=len(alerts), body=answer.body)
            answer = await self._push_parts(alerts, started)
            outcome = judge(answer)
        self._observer.pushed(self.url, outcome, self._clock.monotonic() - started)
        self._note(outcome, answer)
        if outcome == "ok":
            self._note_accepted(batch.sequence, admission)

    @property
    def review(self) -> asyncio.Task[None] | None:
        """What goes on beside the pushes."""
        return self._gate.review

    def _on_free(self) -> None:
        self.request()
        self.on_wanted()

    async def _push_parts(self, alerts: Sequence[PostableAlert], started: float) -> Answer:
        """Set aside the alerts that are refused by themselves; return the deciding answer."""
        found = await isolate(
            alerts,
            post=self._post,
            is_refusal=lambda answer: judge(answer) == "refused",
            is_late=lambda: self._clock.monotonic() - started > MAX_AGE_SECONDS,
        )
        until = self._clock.monotonic() + REFUSAL_SECONDS
        for alert, body in found.refused:
            self._refused_until[identity(alert.labels)] = until
            log.error("alert_refused", peer=self.url, labels=alert.labels, body=body)
        self._observer.refused(self.url, len(found.refused))
        return found.answer

    async def _post(self, alerts: Sequence[PostableAlert]) -> Answer:
        return await self._transport.post(self._endpoint, msgspec.json.encode(alerts))

    def _note_accepted(self, sequence: int, admission: Admission) -> None:
        self._gate.told(admission)
        self.withheld = admission.withheld
        self.delivered = sequence
        self.last_success_ns = self._clock.now_ns()

    def _note(self, outcome: Outcome, answer: Answer) -> None:
        now = self._clock.monotonic()
        if outcome != self.outcome:
            report = log.info if outcome == "ok" else log.error
            report(
                "alertmanager_push",
                peer=self.url,
                outcome=outcome,
                status=answer.status,
                body=answer.body,
            )
        self.outcome = outcome
        if outcome == "ok":
            self._failures = 0
            self._next_at = now + RESEND_SECONDS
            return
        self._failures += 1
        self._next_at = now + self._wait(outcome)

    def _wait(self, outcome: Outcome) -> float:
        # A second try cannot mend a request that the peer understood and turned down.
        if outcome in {"refused", "bug", "rejected"}:
            return RESEND_SECONDS
        doubled = FIRST_RETRY_SECONDS * 2.0 ** min(self._failures - 1, 10)
        return min(doubled, LAST_RETRY_SECONDS) * (0.5 + self._jitter())


class Fleet:
    """All configured Alertmanagers, and the pushes under way to them."""

    def __init__(self, peers: Iterable[Peer]) -> None:
        self.peers = tuple(peers)
        self._pushes: dict[str, asyncio.Task[None]] = {}

    def request(self) -> None:
        """Ask every peer for a push now: something changed."""
        for peer in self.peers:
            peer.request()

    def poke(self, build: Callable[[], Batch]) -> None:
        """Start a push to every peer that is due and has none under way."""
        for peer in self.peers:
            running = self._pushes.get(peer.url)
            if running is not None:
                if not running.done():
                    continue
                del self._pushes[peer.url]
                if (error := running.exception()) is not None:
                    log.error("push_failed", peer=peer.url, exc_info=error)
            if peer.is_due():
                self._pushes[peer.url] = asyncio.create_task(peer.push(build))

    def listen(self, on_wanted: Callable[[], None]) -> None:
        """Have this called whenever a peer wants a push by itself: a resolve may be told."""
        for peer in self.peers:
            peer.on_wanted = on_wanted

    async def settle(self) -> None:
        """Wait until the pushes under way have ended, and what they led to."""
        while running := [task for task in self._tasks() if not task.done()]:
            await asyncio.gather(*running)

    async def abandon(self) -> None:
        """Break off what is under way: somebody else tells the Alertmanagers now."""
        await end_tasks(self._tasks())
        self._pushes.clear()

    def _tasks(self) -> list[asyncio.Task[None]]:
        reviews = [peer.review for peer in self.peers if peer.review is not None]
        return [*self._pushes.values(), *reviews]

    def may_escalate(self, labels: Mapping[str, str], *, now_ns: int) -> bool:
        """Return whether every peer was asked for silences lately and none has acknowledged this.

        One that did not answer knows of no acknowledgement.
        """
        now = datetime.fromtimestamp(now_ns / NANOS_PER_SECOND, UTC)
        gates = [peer.gate for peer in self.peers]
        return all(gate.has_looked() for gate in gates) and not any(
            gate.acknowledges(labels, now=now) for gate in gates
        )

    def look(self) -> None:
        """Have every peer asked for its silences, if that was not done a moment ago."""
        for peer in self.peers:
            peer.gate.look()

    def delivered(self) -> int:
        """Return the sequence that every peer has accepted; without peers, 0."""
        return min((peer.delivered for peer in self.peers), default=0)

    def withheld(self, *, now_ns: int) -> frozenset[Identity]:
        """Return the alerts that are over and that some peer must not be told so yet.

        A peer that has accepted nothing for a day asks for nothing any more.
        """
        found: set[Identity] = set()
        for peer in self.peers:
            if (peer.last_success_ns or 0) >= now_ns - FORGOTTEN_NS:
                found |= peer.withheld
        return frozenset(found)
