"""From one version of the universe to the next, while workers move over one by one.

Each worker switches by itself, so for some seconds partials of both versions lie in Redis. Until
the last has moved everything is judged by the old version, under whose numbers the new partials
are read too; a worker that takes longer than ten seconds is unknown from then on.
"""

from collections.abc import Collection

import structlog

from core.universe import Universe
from services.clock import Clock

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 10.0
"""How long a version is waited for; then its references are judged, known or not."""


class UniverseSwitch:
    """Which version is judged by, and which one is on its way.

    Attributes
    ----------
    current : Universe            the version that everything is numbered by
    coming : Universe or None     the version that will take its place
    """

    def __init__(self, universe: Universe, clock: Clock) -> None:
        self.current = universe
        self.coming: Universe | None = None
        self._clock = clock
        self._until = 0.0

    def announce(self, universe: Universe) -> None:
        """Take up a newer version; one that was still on its way is moved to at once."""
        if universe.version == (self.coming or self.current).version:
            return
        if self.coming is not None:
            self.current = self.coming
        self.coming = universe
        self._until = self._clock.monotonic() + PATIENCE_SECONDS
        log.info("universe_announced", now=self.current.version, coming=universe.version)

    def settle(self, versions: Collection[str]) -> None:
        """Move on if it is time, given the versions of all partials that are fresh now."""
        if self.coming is None:
            return
        has_moved = self.coming.version in versions and self.current.version not in versions
        if has_moved or self._clock.monotonic() >= self._until:
            log.info("universe_switched", before=self.current.version, now=self.coming.version)
            self.current, self.coming = self.coming, None
