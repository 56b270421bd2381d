"""What a new term goes on from: the stored ledger, else what the topic `alerts` tells."""

import asyncio

import structlog

from services.alert_audit import ReadableAuditLog
from services.alert_history import HistoryError, rebuilt
from services.alert_ledger import Ledger, TellEnd
from services.clock import Clock
from services.storms import capped
from services.view_store import ViewStore

log = structlog.get_logger(__name__)

RENEW_SECONDS = 1.0
"""How often the lease is renewed where nothing is written; every write renews it too."""


async def starting_ledger(
    store: ViewStore,
    audit_log: ReadableAuditLog,
    *,
    clock: Clock,
    tell_end: TellEnd,
    storm_cap: int,
) -> Ledger:
    """Return the stored ledger, or the one rebuilt where there is none.

    The topic does not tell what a storm left out, so that is decided anew.

    Raises
    ------
    LedgerError
        If it is of another format.
    StoreError
        If Redis does not answer.
    """
    stored = await store.read_ledger()
    if stored is not None:
        return stored
    log.warning("ledger_missing")
    reading = asyncio.create_task(audit_log.read())
    try:
        while not reading.done():
            await asyncio.wait({reading}, timeout=RENEW_SECONDS)
            await store.lease.renew()
        records = reading.result()
    except HistoryError as error:
        log.error("ledger_not_rebuilt", error=str(error))  # noqa: TRY400  it says where
        # Whatever numbers are in the topic, these are greater.
        return Ledger(sequence=store.lease.counter)
    finally:
        reading.cancel()
    now_ns = clock.now_ns()
    ledger = rebuilt(records, now_ns=now_ns, tell_end=tell_end)
    return capped(ledger, storm_cap, before=-1, now_ns=now_ns)
