"""The alerter: ten times a second from partials to the view, the ledger and every Alertmanager.

One evaluation counts only once its ledger is written: if Redis does not take it, the states stay
what they were, and the next evaluation starts from them again. While Redis is unreachable, or an
evaluation fails, the alerter is *blind*: what fires is extended, nothing starts or resolves.
"""

import asyncio

import structlog

from core.alerts import AlertKey, AlertState, Transition
from core.sessions import NANOS_PER_SECOND
from services.alert_audit import AuditLog, AuditTrail
from services.alert_dispatch import batch_of
from services.alert_figures import FigureReader, zone_of_subject
from services.alert_ledger import (
    Ledger,
    acknowledged,
    advanced,
    noted_sent,
    pruned,
)
from services.alert_messages import (
    Annotations,
    Telling,
    annotations,
    host_time_text,
    resolved_annotations,
)
from services.alerter_metrics import AlerterMetrics
from services.alertmanager import Batch, Fleet
from services.clock import Clock
from services.evaluation import Evaluation, Evaluator
from services.view_document import view_document
from services.view_store import PartialsRead, StoreError, ViewStore

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.1
BEAT_AGE_NS = 5 * NANOS_PER_SECOND
"""A price whose heartbeat lies further behind host time than this is stale."""
VIEW_SHARE = 0.25
"""Largest share of the time that publishing the view may take; a large one is published less."""
TEXT_SECONDS = 1.0
"""How old the figures in the text of an alert that fires may be."""
START_RETRY_SECONDS = 1.0


class Alerter:
    """The only evaluator, the only writer of view and ledger, the only sender."""

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        store: ViewStore,
        fleet: Fleet,
        audit_log: AuditLog,
        clock: Clock,
        metrics: AlerterMetrics,
    ) -> None:
        self.ledger = Ledger()
        self.blind = ""
        """Why nothing can be judged now, in words; "" while it can."""
        self._evaluator = evaluator
        self._store = store
        self._fleet = fleet
        self._clock = clock
        self._metrics = metrics
        self._trail = AuditTrail(
            audit_log,
            clock=clock,
            on_released=self._on_released,
            on_outcome=metrics.audited,
        )
        self._reader: FigureReader | None = None
        self._texts: dict[AlertKey, Annotations] = {}
        self._next_texts = self._next_view = clock.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Go on from the stored ledger, and evaluate ten times a second until `stop` is set."""
        if not await self._begin_when_reachable(stop):
            return
        next_tick = self._clock.monotonic()
        while not stop.is_set():
            await self.tick()
            next_tick = max(next_tick + TICK_SECONDS, self._clock.monotonic())
            await _wait(stop, next_tick - self._clock.monotonic())
        await self.settle()

    async def begin(self) -> None:
        """Load the ledger; what fired goes on with its old start. Raises `LedgerError`."""
        self.ledger = await self._store.read_ledger()
        self._trail.begin(self.ledger)
        log.info(
            "ledger_loaded",
            firing=len(self.ledger.firing()),
            episodes=len(self.ledger.episodes),
            unaudited=len(self.ledger.outbox),
        )

    async def tick(self) -> None:
        """Evaluate once, write what came of it, and send what is due; never raises."""
        try:
            await self._evaluate()
        except StoreError as error:
            self._go_blind("Redis is unreachable", error)
        except Exception as error:
            # Whatever an evaluation stumbles over, alerts that fire must be kept alive.
            log.exception("evaluation_failed")
            self._go_blind("the alerter cannot evaluate", error)
        self._send()

    async def settle(self) -> None:
        """Let the appends and pushes under way end."""
        await self._trail.settle()
        await self._fleet.settle()

    async def _begin_when_reachable(self, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            try:
                await self.begin()
            except StoreError as error:
                self._go_blind("Redis is unreachable", error)
                await _wait(stop, START_RETRY_SECONDS)
            else:
                return True
        return False

    async def _evaluate(self) -> None:
        started = self._clock.monotonic()
        partials = await self._store.read_partials()
        now_ns = self._clock.now_ns()
        evaluation = self._evaluator.evaluate(
            partials.partials, self.ledger.states(), oldest_beat_ns=now_ns - BEAT_AGE_NS
        )
        reader = FigureReader(evaluation.view, self._evaluator.universe)
        ledger = self._after(evaluation, reader, now_ns)
        self._metrics.evaluated(self._clock.monotonic() - started)
        await self._write(ledger, evaluation, partials, now_ns)
        self._adopt(ledger, evaluation, reader)
        self._metrics.written(evaluation.view, len(partials.unknown))

    def _after(self, evaluation: Evaluation, reader: FigureReader, now_ns: int) -> Ledger:
        def tell(key: AlertKey, state: AlertState, last: Annotations) -> Annotations:
            return self._tell(key, state, self._texts.get(key, last), reader=reader, blind="")

        ledger = acknowledged(self.ledger, self._trail.acknowledged)
        ledger = noted_sent(ledger, self._fleet.delivered(), now_ns=now_ns)
        ledger = advanced(
            ledger,
            evaluation.states,
            evaluation.transitions,
            now_ns=now_ns,
            tell=tell,
            tell_end=self._tell_end,
        )
        return pruned(ledger, now_ns=now_ns, has_peers=bool(self._fleet.peers))

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
                texts=self._texts,
                unknown_partitions=tuple(partials.unknown),
                written_ns=now_ns,
            )
        await self._store.write(ledger, document)
        if document is not None:
            ended = self._clock.monotonic()
            self._next_view = ended + (ended - started) * (1.0 / VIEW_SHARE - 1.0)

    def _adopt(self, ledger: Ledger, evaluation: Evaluation, reader: FigureReader) -> None:
        for transition in evaluation.transitions:
            self._metrics.changed(str(transition.change))
            log.info(
                "alert",
                change=str(transition.change),
                reason=str(transition.reason),
                market_time=host_time_text(transition.at_ns),
                **transition.key._asdict(),
            )
        if self.blind:
            log.info("sees_again", was=self.blind)
        self.ledger = ledger
        self._reader = reader
        if self.blind or evaluation.transitions or self._clock.monotonic() >= self._next_texts:
            self.blind = ""
            self._renew_texts()
        self._metrics.active(episode.key.severity for episode in ledger.firing())

    def _go_blind(self, why: str, error: Exception) -> None:
        if not self.blind.startswith(why):
            self.blind = f"{why} since {host_time_text(self._clock.now_ns())}"
            log.error("blind", why=why, error=str(error), firing=len(self.ledger.firing()))
            self._renew_texts()
        self._metrics.blind()

    def _renew_texts(self) -> None:
        self._next_texts = self._clock.monotonic() + TEXT_SECONDS
        self._texts = {
            episode.key: self._tell(
                episode.key,
                episode.state,
                self._texts.get(episode.key, episode.annotations),
                reader=self._reader,
                blind=self.blind,
            )
            for episode in self.ledger.firing()
        }

    def _tell(
        self,
        key: AlertKey,
        state: AlertState,
        last: Annotations,
        *,
        reader: FigureReader | None,
        blind: str,
    ) -> Annotations:
        rule, level = self._evaluator.rule_of(key)
        figures = reader.of(key, rule) if reader is not None and rule is not None else None
        return annotations(Telling(key, state, rule, level, figures, blind), last)

    def _tell_end(self, transition: Transition, last: Annotations) -> Annotations:
        key = transition.key
        return resolved_annotations(
            self._texts.get(key, last),
            transition.reason,
            at_ns=transition.at_ns,
            zone=zone_of_subject(key.scope, key.symbol, self._evaluator.universe),
        )

    def _send(self) -> None:
        self._trail.follow(self.ledger)
        self._fleet.poke(self._batch)

    def _on_released(self) -> None:
        self._fleet.request()
        self._fleet.poke(self._batch)

    def _batch(self) -> Batch:
        return batch_of(
            self.ledger.episodes,
            released=self._trail.released,
            now_ns=self._clock.now_ns(),
            texts=self._texts,
        )


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), max(seconds, 0.0))
    except TimeoutError:
        return
