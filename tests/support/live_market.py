"""A market whose workers are alive: for alerters that are processes and go by the host's clock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

import redis

from core.universe import Universe
from tests.support.alerter_world import Market

BEAT_SECONDS = 0.5


class LiveMarket(Market):
    """Publishes what it last said again and again, with heartbeats of that moment."""

    def __init__(self, url: str, universe: Universe, *, open_ns: int) -> None:
        super().__init__(url, universe, open_ns=open_ns)
        self._lock = Lock()
        self._hour: float | None = None

    def go(self, hour: float, **prices: float) -> None:
        """Let references trade so many hours after the open, and live on from there."""
        with self._lock:
            self._hour = hour
            self.trade(hour, beat_ns=time.time_ns(), only="", **prices)

    def live(self, is_over: Event) -> None:
        """Repeat the last heartbeat until it is over, also where Redis is away meanwhile."""
        while not is_over.wait(BEAT_SECONDS):
            with self._lock, suppress(redis.RedisError):
                if self._hour is not None:
                    self.trade(self._hour, beat_ns=time.time_ns())


@contextmanager
def live_market_in(url: str, universe: Universe, *, open_ns: int) -> Iterator[LiveMarket]:
    """Yield a market that lives in this Redis as long as the block."""
    market = LiveMarket(url, universe, open_ns=open_ns)
    is_over = Event()
    thread = Thread(target=market.live, args=(is_over,), name="live-market")
    thread.start()
    try:
        yield market
    finally:
        is_over.set()
        thread.join()
        market.close()
