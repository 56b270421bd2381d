"""The alerter: ten times a second from partials to the view, the ledger and every Alertmanager.

One evaluation counts only once its ledger is written: if Redis does not take it, the states stay
what they were, and the next evaluation starts from them again. While Redis is unreachable, or an
evaluation fails, the alerter is *blind*: what fires is extended, nothing starts or resolves. Once
Redis says that another alerter has the lease, this one's term is over, and it says nothing more.
"""

import asyncio
from dataclasses import replace

import msgspec
import structlog

from core.alerts import AlertKey, is_judged
from core.sessions import NANOS_PER_SECOND
from core.universe import Universe
from services.alert_audit import AuditTrail, ReadableAuditLog
from services.alert_dispatch import batch_of
from services.alert_figures import FigureReader
from services.alert_ledger import (
    Ledger,
    acknowledged,
    advanced,
    noted_sent,
    pruned,
)
from services.alert_messages import Annotations, host_time_text
from services.alert_texts import Teller
from services.alerter_lease import LEASE_SECONDS
from services.alerter_metrics import AlerterMetrics
from services.alerter_orders import Orders
from services.alertmanager import Batch, Fleet
from services.clock import Clock
from services.evaluation import Evaluation, Evaluator
from services.heartbeat import heartbeat_alert
from services.ledger_start import RENEW_SECONDS, starting_ledger
from services.own_following import OwnAlerts
from services.positioning_table import Entry, positioning_entries
from services.projection_history import ProjectionHistory, ProjectionLog
from services.store_errors import LeaseLostError, StoreError
from services.universe_switch import UniverseSwitch
from services.view_document import Beside, view_document
from services.view_store import PartialsRead, ViewStore
from services.waiting import stopped_within

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.1
BEAT_AGE_NS = 5 * NANOS_PER_SECOND
"""A price whose heartbeat lies further from host time than this is stale: behind it, or ahead of it
where two clocks do not agree."""
VIEW_SHARE = 0.25
"""Largest share of the time that publishing the view may take; a large one is published less."""
TEXT_SECONDS = 1.0
"""How old the figures in the text of an alert that fires may be."""
POSITIONING_SECONDS = 5.0
"""How often the positioning of options is read: it follows no tick."""
START_RETRY_SECONDS = 1.0
_NO_ENTRIES = msgspec.Raw(b"[]")


class Alerter:
    """The only evaluator, the only writer of view and ledger, the only sender, for one term.

    Attributes
    ----------
    ledger : Ledger     as it was last written
    blind : str         why nothing can be judged now, in words; "" while it can
    is_over : bool      another alerter has taken the lease
    """

    def __init__(
        self,
        orders: Orders,
        *,
        switch: UniverseSwitch,
        store: ViewStore,
        fleet: Fleet,
        audit_log: ReadableAuditLog,
        projections: ProjectionLog,
        clock: Clock,
        metrics: AlerterMetrics,
    ) -> None:
        self.ledger = Ledger()
        self.blind = ""
        self.is_over = False
        self._switch = switch
        self._rules = rules = orders.rules
        self._evaluator = Evaluator(switch.current, rules.rules, rules.digest)
        self._orders = orders
        self._own = OwnAlerts(orders, fleet)
        self._store = store
        self._fleet = fleet
        self._audit_log = audit_log
        self._projections = ProjectionHistory(projections)
        self._clock = clock
        self._metrics = metrics
        self._links = orders.links
        self._trail = AuditTrail(
            audit_log,
            clock=clock,
            on_released=self._on_released,
            on_outcome=metrics.audited,
        )
        fleet.listen(self._push)
        self._reader: FigureReader | None = None
        self._texts: dict[AlertKey, Annotations] = {}
        self._began_ns = clock.now_ns()
        self._positioning = _NO_ENTRIES
        now = clock.monotonic()
        self._next_positioning = now
        self._next_texts = self._next_view = self._next_renewal = self._asked = now

    def switch(self, universe: Universe) -> None:
        """Judge by another version of the universe once the workers have moved to it."""
        self._switch.announce(universe)

    async def run(self, stop: asyncio.Event) -> None:
        """Go on from the stored ledger and evaluate, until `stop` is set or the term is over.

        Raises
        ------
        LedgerError
            If the stored ledger is of another format.
        """
        if not await self._begin_when_reachable(stop):
            return
        next_tick = self._clock.monotonic()
        while not stop.is_set() and not self.is_over:
            await self.tick()
            next_tick = max(next_tick + TICK_SECONDS, self._clock.monotonic())
            await stopped_within(stop, next_tick - self._clock.monotonic())
        if not self.is_over:
            await self._fleet.settle()

    async def begin(self) -> None:
        """Load the ledger, or rebuild it where there is none; what fired goes on from its start.

        Raises
        ------
        LedgerError
            If it is of another format.
        """
        teller = Teller(self._evaluator, None, {}, self._clock.now_ns(), links=self._links)
        self.ledger = await starting_ledger(
            self._store,
            self._audit_log,
            clock=self._clock,
            tell_end=teller.tell_end,
            storm_cap=self._orders.storm_cap,
        )
        self._trail.begin(self.ledger)
        log.info(
            "ledger_loaded",
            firing=len(self.ledger.firing()),
            episodes=len(self.ledger.episodes),
            unaudited=len(self.ledger.outbox),
        )

    async def tick(self) -> None:
        """Evaluate once, write what came of it, and send what is due; never raises."""
        self._asked = self._clock.monotonic()
        try:
            await self._evaluate()
        except LeaseLostError as error:
            await self._end_term(error)
            return
        except StoreError as error:
            self._go_blind("Redis is unreachable", error)
        except Exception as error:
            # Whatever an evaluation stumbles over, alerts that fire must be kept alive.
            log.exception("evaluation_failed")
            self._go_blind("the alerter cannot evaluate", error)
        self._trail.follow(self.ledger)
        self._push()
        await self._read_positioning()

    async def settle(self) -> None:
        """Let the appends and pushes under way end."""
        await self._trail.settle()
        await self._fleet.settle()

    async def _begin_when_reachable(self, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            try:
                await self.begin()
            except LeaseLostError as error:
                await self._end_term(error)
                return False
            except StoreError as error:
                self._go_blind("Redis is unreachable", error)
                await stopped_within(stop, START_RETRY_SECONDS)
            else:
                return True
        return False

    async def _evaluate(self) -> None:
        started = self._clock.monotonic()
        if started >= self._next_renewal:
            await self._store.lease.renew()
            self._next_renewal = started + RENEW_SECONDS
        evaluator = self._current_evaluator()
        partials = await self._store.read_partials(evaluator.universe, self._switch.coming)
        now_ns = self._clock.now_ns()
        evaluation = evaluator.evaluate(
            partials.partials,
            self.ledger.states(),
            oldest_beat_ns=now_ns - BEAT_AGE_NS,
            newest_beat_ns=now_ns + BEAT_AGE_NS,
        )
        reader = FigureReader(evaluation.view, evaluator.universe)
        ledger = self._after(evaluation, reader, now_ns)
        self._metrics.evaluated(self._clock.monotonic() - started)
        await self._write(ledger, evaluation, partials, now_ns)
        self._next_renewal = started + RENEW_SECONDS
        self._adopt(ledger, reader)
        self._metrics.written(
            evaluation.view, evaluator.universe, unknown_partitions=len(partials.unknown)
        )
        self._switch.settle(partials.versions)
        self._record(evaluation)

    def _current_evaluator(self) -> Evaluator:
        universe, rules = self._switch.current, self._rules
        is_other_universe = self._evaluator.universe is not universe
        if is_other_universe or self._evaluator.digest != rules.digest:
            self._evaluator = Evaluator(universe, rules.rules, rules.digest)
        if is_other_universe:
            self._reader = None
        return self._evaluator

    def _after(self, evaluation: Evaluation, reader: FigureReader, now_ns: int) -> Ledger:
        teller = Teller(self._evaluator, reader, self._texts, now_ns, links=self._links)
        ledger = acknowledged(self.ledger, self._trail.acknowledged)
        withheld = self._fleet.withheld(now_ns=now_ns)
        ledger = noted_sent(ledger, self._fleet.delivered(), withheld=withheld, now_ns=now_ns)
        ledger = advanced(
            ledger,
            evaluation.states,
            evaluation.transitions,
            now_ns=now_ns,
            tell=teller.tell,
            tell_end=teller.tell_end,
        )
        ledger = self._own.followed(
            ledger,
            self._evaluator.universe,
            texts=self._texts,
            before=self.ledger.sequence,
            now_ns=now_ns,
        )
        has_peers = bool(self._fleet.peers)
        return pruned(
            ledger,
            now_ns=now_ns,
            has_peers=has_peers,
            withheld=withheld,
            told_since_ns=self._began_ns,
        )

    async def _write(
        self, ledger: Ledger, evaluation: Evaluation, partials: PartialsRead, now_ns: int
    ) -> None:
        started = self._clock.monotonic()
        document = None
        if started >= self._next_view:
            document = view_document(
                evaluation.view,
                self._evaluator.universe,
                ledger,
                fleet=self._fleet,
                beside=Beside(self._texts, self._evaluator.digest, self._positioning),
                unknown_partitions=tuple(partials.unknown),
                written_ns=now_ns,
            )
        await self._store.write(ledger, document)
        if document is not None:
            ended = self._clock.monotonic()
            self._next_view = ended + (ended - started) * (1.0 / VIEW_SHARE - 1.0)

    async def _read_positioning(self) -> None:
        """Renew what is shown of options every few seconds; nothing that is judged needs it."""
        now = self._clock.monotonic()
        if now < self._next_positioning:
            return
        self._next_positioning = now + POSITIONING_SECONDS
        entries: list[Entry] = []
        try:
            found = await self._store.read_positioning()
            entries = positioning_entries(found, self._evaluator.universe)
        except StoreError as error:
            log.warning("positioning_not_read", error=str(error))
        except Exception:
            log.exception("positioning_not_shown")
        self._positioning = msgspec.Raw(msgspec.json.encode(entries))
        self._metrics.positioned(entries)

    def _adopt(self, ledger: Ledger, reader: FigureReader) -> None:
        news = [one for one in ledger.outbox if one.sequence > self.ledger.sequence]
        for transition in news:
            self._metrics.changed(str(transition.change))
            log.info(
                "alert",
                change=str(transition.change),
                reason=str(transition.reason),
                market_time=host_time_text(transition.at_ns),
                **transition.key._asdict(),
            )
        self._orders.pulse.beat()
        if self.blind:
            log.info("sees_again", was=self.blind)
        self.ledger = ledger
        self._reader = reader
        if self.blind or news or self._clock.monotonic() >= self._next_texts:
            self.blind = ""
            self._renew_texts()
        self._metrics.active(one.key.severity for one in ledger.firing() if is_judged(one.key))

    def _record(self, evaluation: Evaluation) -> None:
        try:
            self._projections.note(evaluation.view, self._evaluator.universe)
        except Exception:
            # The history is not worth an evaluation.
            log.exception("projections_not_noted")

    def _go_blind(self, why: str, error: Exception) -> None:
        if not self.blind.startswith(why):
            self.blind = f"{why} since {host_time_text(self._clock.now_ns())}"
            log.error("blind", why=why, error=str(error), firing=len(self.ledger.firing()))
            self._renew_texts()
        self._orders.pulse.stop()
        self._metrics.blind()

    async def _end_term(self, error: LeaseLostError) -> None:
        self.is_over = True
        self._orders.pulse.stop()
        self._metrics.fenced()
        log.error("lease_lost", error=str(error), firing=len(self.ledger.firing()))
        await self._fleet.abandon()

    def _renew_texts(self) -> None:
        self._next_texts = self._clock.monotonic() + TEXT_SECONDS
        teller = Teller(
            self._evaluator,
            self._reader,
            self._texts,
            self._clock.now_ns(),
            self.blind,
            own=self._own.texts,
            links=self._links,
        )
        self._texts = teller.tell_all(self.ledger.firing())

    def _on_released(self) -> None:
        self._fleet.request()
        self._push()

    def _push(self) -> None:
        # Whoever wakes up from a long sleep asks Redis first: another may have taken over.
        was_asked = self._clock.monotonic() - self._asked <= LEASE_SECONDS
        if was_asked and not self.is_over:
            self._fleet.poke(self._batch)

    def _batch(self) -> Batch:
        now_ns = self._clock.now_ns()
        batch = batch_of(
            self.ledger.episodes, released=self._trail.released, now_ns=now_ns, texts=self._texts
        )
        if not (self._orders.has_heartbeat and self._orders.pulse.is_beating):
            return batch
        heartbeat = heartbeat_alert(starts_ns=self._began_ns, now_ns=now_ns)
        return replace(batch, alerts=(*batch.alerts, heartbeat))
