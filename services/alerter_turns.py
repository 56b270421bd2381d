"""Taking turns: of several alerters one is active, and the others stand by until its lease ends.

A stand-by does not take over while Redis is unreachable, for the active one may well go on. When
Redis is back, or has lost what it had, whoever was active before has a lease's time to say so.
"""

import asyncio
from collections.abc import Callable

import structlog

from services.alert_ledger import LedgerError
from services.alerter import Alerter
from services.alerter_lease import LEASE_SECONDS, Lease, LeaseStatus
from services.alerter_metrics import AlerterMetrics
from services.clock import Clock
from services.store_errors import StoreError
from services.view_store import ViewStore
from services.waiting import stopped_within

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
"""How often a stand-by looks at the lease: a clean exit is noticed as soon."""


class StandBy:
    """Decides when to take the lease, from one look at it after the other."""

    def __init__(self, lease: Lease, clock: Clock) -> None:
        self._lease = lease
        self._clock = clock
        self._knows_another = False
        self._had_answer = True
        self._patient_until: float | None = None
        self._holder = ""

    async def take_over(self) -> bool:
        """Take the lease if it is time to; say whether it is ours now.

        Raises
        ------
        StoreError
            If Redis does not answer.
        """
        try:
            status = await self._lease.look()
            is_ours = self._is_free(status) and await self._lease.claim()
        except StoreError:
            self._had_answer = False
            raise
        if is_ours:
            log.info("lease_taken", counter=self._lease.counter, before=status.holder)
        return is_ours

    def _is_free(self, status: LeaseStatus) -> bool:
        is_sure = self._had_answer and status.counter > 0
        self._had_answer = True
        if status.remaining_seconds > 0.0:
            if status.holder != self._holder:
                log.info("standing_by", holder=status.holder)
            self._holder = status.holder
            self._knows_another = True
            self._patient_until = None
            return False
        if not self._knows_another:
            return True
        now = self._clock.monotonic()
        if not is_sure and self._patient_until is None:
            self._patient_until = now + LEASE_SECONDS
        return self._patient_until is None or now >= self._patient_until


class Turns:
    """Stands by and serves, turn about, until stopped.

    Parameters
    ----------
    store : ViewStore
    appoint : Callable[[], Alerter]     makes the alerter of a new term, which knows nothing yet
    """

    def __init__(
        self,
        store: ViewStore,
        appoint: Callable[[], Alerter],
        *,
        clock: Clock,
        metrics: AlerterMetrics,
    ) -> None:
        self._store = store
        self._lease = store.lease
        self._appoint = appoint
        self._clock = clock
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """Take turns until `stop` is set; the lease is then let go of.

        Raises
        ------
        LedgerError
            If the stored ledger is of another format: nobody could take over with it.
        """
        is_first = True
        while await self._has_lease(stop, checks_ledger=is_first):
            is_first = False
            self._metrics.take_over()
            await self._serve(stop)
            self._metrics.stand_by()

    async def _has_lease(self, stop: asyncio.Event, *, checks_ledger: bool) -> bool:
        """Stand by until the lease is ours; false where we are stopped before."""
        stand_by = StandBy(self._lease, self._clock)
        is_blind = False
        while not stop.is_set():
            try:
                if checks_ledger:
                    await self._store.read_ledger()
                    checks_ledger = False
                if await stand_by.take_over():
                    return True
            except StoreError as error:
                if not is_blind:
                    log.warning("standing_by_blind", error=str(error))
                is_blind = True
            else:
                is_blind = False
            self._metrics.seen(is_blind=is_blind)
            await stopped_within(stop, LOOK_SECONDS)
        return False

    async def _serve(self, stop: asyncio.Event) -> None:
        alerter = self._appoint()
        try:
            await alerter.run(stop)
        except LedgerError:
            await self._let_go()
            raise
        if not alerter.is_over:
            await self._let_go()

    async def _let_go(self) -> None:
        try:
            await self._lease.release()
        except StoreError as error:
            log.warning("lease_not_released", error=str(error))
        else:
            log.info("lease_released", counter=self._lease.counter)
