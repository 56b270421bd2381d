"""A vendor's option chain that is followed: read whole, and again whenever it has changed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from core.errors import ConfigError
from services.chain_choice import judged_beside
from services.chain_layouts import layout_of, read_vendor_chains
from services.chain_rows import ChainFile
from services.clock import Clock
from services.event_files import flows_of, prices_of
from services.gateway_events import Events
from services.gateway_live import LiveRelay
from services.gateway_upstreams import NowRules
from services.option_calendar import option_calendar
from services.option_events import OpenInterestEvents, chain_events
from services.rejects import Reject

STILL_SECONDS = 1.0
"""A changed file is read once it has stayed as it is for so long: writing it takes time."""

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

    A file that takes the place of another is judged beside it: one with the same table under a
    fresh head, or far shorter than the last one that was sound, is a dead letter and not sent.

    Raises
    ------
    ConfigError
        If the file as it is at the start cannot be used.
    """

    def __init__(self, path: Path, relay: LiveRelay, rules: NowRules, clock: Clock) -> None:
        self._path = path
        self._relay = relay
        self._rules = rules
        self._clock = clock
        self._taken = self._seen = _state(path)
        self._seen_at = clock.monotonic()
        self._last: list[ChainFile] = []
        self._refused = ("", "")
        self._waiting: list[ChainFile] = self._chains()

    def repeat(self) -> None:
        """Relay the chain anew: another universe may know more of its underlyings."""
        self._waiting = self._last or self._waiting

    def read(self) -> None:
        """Relay the chain if it is new."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._last = []
            self._take(waiting)
        state = _state(self._path)
        if state != self._seen:
            self._seen, self._seen_at = state, self._clock.monotonic()
        elif (
            state not in {None, self._taken}
            and self._clock.monotonic() - self._seen_at >= STILL_SECONDS
        ):
            self._taken = state
            self._take_changed()

    def _take_changed(self) -> None:
        try:
            self._take(self._chains())
        except ConfigError as error:
            self._refuse("bad_chain", str(error))

    def _chains(self) -> list[ChainFile]:
        layout = layout_of(self._path)
        if layout == "native":
            raise ConfigError(f"{self._path}: expected a vendor's chain, as it was at the start")
        return read_vendor_chains(self._path, layout, option_calendar())

    def _take(self, chains: Sequence[ChainFile]) -> None:
        """Send those of some chains that are sound, and remember them for the next."""
        judged = judged_beside(self._last, chains)
        sound = [chain for chain, reason in judged if not reason]
        for chain, reason in judged:
            # A page that is fetched again and again is told of once.
            if reason not in {"", "duplicate"} and (reason, chain.digest) != self._refused:
                self._refused = reason, chain.digest
                self._refuse(reason, f"{chain.rows} contracts of {chain.chain.underlying}")
        same = [chain for chain, reason in judged if reason == "duplicate"]
        self._last = [*sound, *same] or self._last
        if sound:
            self._send(chain_events(sound, self._path))

    def _refuse(self, reason: str, why: str) -> None:
        log.warning("chain_unusable", file=str(self._path), reason=reason, why=why)
        content = self._path.read_bytes() if self._path.is_file() else b""
        unusable = Reject.of(content, reason=reason, file=str(self._path), line=1)
        self._send(replace(chain_events([], self._path), rejects=[unusable]))

    def _send(self, levels: OpenInterestEvents) -> None:
        rules = self._rules()
        self._relay.take(Events(prices_of([], rules), flows_of([], rules), levels))


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file does, None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
