"""The upstreams of a live relay: files as they grow, clients of a socket."""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from services.event_fields import OPEN_INTEREST_FIELDS, ColumnPairs, Field
from services.event_rows import Rules
from services.file_tail import FileTail
from services.gateway_live import LiveRelay
from services.live_feeds import FileFeed, JsonFeed

log = structlog.get_logger(__name__)

NowRules = Callable[[], Rules]
"""Makes the rules by which rows that come now are judged."""


class FollowedFile:
    """Relays what is appended to a file; without the file the upstream is gone."""

    def __init__(
        self,
        path: Path,
        relay: LiveRelay,
        rules: NowRules,
        *,
        fields: Sequence[Field],
        columns: ColumnPairs,
        symbol: str = "",
    ) -> None:
        self._name = str(path)
        self._tail = FileTail(path)
        self._feed = FileFeed(path, fields=fields, columns=columns, symbol=symbol)
        self._relay = relay
        # Prices go on being all there is while open interest is made anew.
        self._voice = relay.interest if fields is OPEN_INTEREST_FIELDS else relay.market
        self._rules = rules
        self._was_gone = False

    def read(self) -> bool:
        """Relay lines that were completed; say whether there may be more at once.

        Raises
        ------
        ConfigError
            If the columns of the file as it was at the start cannot be told.
        """
        tail = self._tail.read()
        if tail.is_new:
            log.info("file_begun", file=self._name)
            self._feed.restart()
        if tail.lines:
            self._relay.take(self._feed.read(tail.lines, self._rules()))
        if self._tail.is_gone and not tail.more and not self._was_gone:
            log.warning("file_gone", file=self._name)
            self._voice.lose(self._name)
            self._was_gone = True
        elif self._was_gone and not self._tail.is_gone:
            self._voice.find(self._name)
            self._was_gone = False
        return tail.more

    def close(self) -> None:
        """Close the file."""
        self._tail.close()


class SocketClients:
    """Relays the lines of clients; without any client the upstream is gone."""

    _NAME = "listen"

    def __init__(self, relay: LiveRelay, rules: NowRules, columns: ColumnPairs) -> None:
        self._relay = relay
        self._rules = rules
        self._columns = columns
        self._count = 0
        relay.lose(self._NAME)

    def welcome(self, name: str) -> "_SocketClient":
        """Return what takes the lines of a new connection."""
        self._count += 1
        self._relay.find(self._NAME)
        return _SocketClient(self, JsonFeed(name, self._columns))

    def take(self, feed: JsonFeed, data: bytes) -> None:
        """Relay lines of one client."""
        self._relay.take(feed.read(data, self._rules()))

    def leave(self) -> None:
        """Take note that a client has gone."""
        self._count -= 1
        if not self._count:
            self._relay.lose(self._NAME)


class _SocketClient:
    def __init__(self, clients: SocketClients, feed: JsonFeed) -> None:
        self._clients = clients
        self._feed = feed

    def lines(self, data: bytes) -> None:
        """Take whole lines, which follow those of the last call."""
        self._clients.take(self._feed, data)

    def gone(self) -> None:
        """Take note that there are no more."""
        self._clients.leave()
