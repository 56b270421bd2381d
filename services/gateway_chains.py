"""A vendor's option chain that is followed: read whole, and again whenever it has changed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from core.errors import ConfigError
from services.chain_layouts import layout_of
from services.clock import Clock
from services.event_files import ReadOptions, flows_of, prices_of, rules_of
from services.gateway_events import Events
from services.gateway_live import LiveRelay
from services.option_events import OpenInterestEvents, levels_of, read_open_interest
from services.rejects import Reject

STILL_SECONDS = 1.0
"""A changed file is read once it has stayed as it is for so long: writing it takes time."""

NowOptions = Callable[[], ReadOptions]
"""Makes the options by which a file that is read now is judged."""

log = structlog.get_logger(__name__)


def is_chain(path: Path) -> bool:
    """Say whether a file is a vendor's chain, not rows of our own; an empty file is none.

    Raises
    ------
    ConfigError
        If it cannot be read, or is of no known layout.
    """
    return path.stat().st_size > 0 and layout_of(path) != "native"


class FollowedChain:
    """Relays the chain at a path; what it said holds on while there is no file.

    Raises
    ------
    ConfigError
        If the file as it is at the start cannot be used.
    """

    def __init__(self, path: Path, relay: LiveRelay, options: NowOptions, clock: Clock) -> None:
        self._path = path
        self._relay = relay
        self._options = options
        self._clock = clock
        self._taken = self._seen = _state(path)
        self._seen_at = clock.monotonic()
        self._waiting: OpenInterestEvents | None = read_open_interest([path], options())

    def repeat(self) -> None:
        """Relay the chain anew: another universe may know more of its underlyings."""
        self._taken = None

    def read(self) -> None:
        """Relay the chain if it is new."""
        if self._waiting is not None:
            self._send(self._waiting)
            self._waiting = None
        state = _state(self._path)
        if state != self._seen:
            self._seen, self._seen_at = state, self._clock.monotonic()
        elif (
            state not in {None, self._taken}
            and self._clock.monotonic() - self._seen_at >= STILL_SECONDS
        ):
            self._taken = state
            self._send(self._changed())

    def _changed(self) -> OpenInterestEvents:
        try:
            return read_open_interest([self._path], self._options())
        except ConfigError as error:
            log.warning("chain_unusable", file=str(self._path), error=str(error))
            content = self._path.read_bytes() if self._path.is_file() else b""
            unusable = Reject.of(content, reason="bad_chain", file=str(self._path), line=1)
            return replace(levels_of([], rules_of(self._options())), rejects=[unusable])

    def _send(self, levels: OpenInterestEvents) -> None:
        rules = rules_of(self._options())
        self._relay.take(Events(prices_of([], rules), flows_of([], rules), levels))


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file does, None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
