"""An alerter that runs by the machine's clock in a thread, as its process would."""

import asyncio
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aiohttp

from core.thresholds import Rule
from services.alertmanager_http import HttpTransport
from services.clock import SystemClock
from services.view_store import connect
from tests.support.alerter_world import RULE, AlerterPost, RecordingAudit

START_SECONDS = 10.0
AGAIN_SECONDS = 5.0


class AlerterThread:
    """Starts on entering; leaving stops it at once, saying nothing more, as a crash would."""

    def __init__(
        self,
        redis_url: str,
        peers: Sequence[str],
        audit: RecordingAudit | None = None,
        *,
        rules: Sequence[Rule] = (RULE,),
        orders: Mapping[str, Any] | None = None,
    ) -> None:
        self.audit = audit or RecordingAudit()
        self._holder = secrets.token_hex(4)
        self._redis_url = redis_url
        self._peers = peers
        self._rules = rules
        self._orders = orders
        self._began = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="alerter")
        self._running: asyncio.Task[None]

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._running = self._loop.create_task(self._run())
        self._began.set()
        try:
            self._loop.run_until_complete(self._running)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _run(self) -> None:
        client = connect(self._redis_url)
        try:
            async with aiohttp.ClientSession() as session:
                post = AlerterPost(
                    client,
                    clock=SystemClock(),
                    transport=HttpTransport(session),
                    holder=self._holder,
                    audit=self.audit,
                    peers=self._peers,
                    rules=self._rules,
                    orders=self._orders,
                )
                await post.turns().run(asyncio.Event())
        finally:
            await client.aclose()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._began.wait(START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # See `streams.cancelling`: a cancellation may be lost.
        while self._thread.is_alive():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._running.cancel)
            self._thread.join(AGAIN_SECONDS)
