"""What someone who asks an Alertmanager all the time gets to see."""

import math
import threading
import time
from typing import NamedTuple, Self

from tests.support.alertmanager_server import AlertmanagerServer

LOOK_SECONDS = 0.05


class Look(NamedTuple):
    """The symbols of the alerts its API showed at a moment, monotonic seconds."""

    at: float
    symbols: frozenset[str]


class AlertLooks:
    """Looks at the API from a thread of its own; an answer that does not come is no look.

    It also looks whether the Alertmanager has written down again whom it notified.
    """

    def __init__(self, server: AlertmanagerServer) -> None:
        self._server = server
        self._looks: list[Look] = []
        self._written: list[float] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alert-looks", daemon=True)

    def first_seen(self, symbol: str, since: float) -> float | None:
        """Return when an alert of a symbol was first shown after a moment, None while it was not.

        An answer counts as of when it came: to be early is no option.
        """
        for look in self._looks:
            if look.at >= since and symbol in look.symbols:
                return look.at
        return None

    def written_after(self, at: float) -> float:
        """Return when all that was notified by a moment was seen written, inf while it is not."""
        since = [each for each in self._written if each >= at]
        # The first may have begun before.
        return since[1] if len(since) > 1 else math.inf

    def _run(self) -> None:
        version = self._server.notified_version()
        while not self._is_over.wait(LOOK_SECONDS):
            before, version = version, self._server.notified_version()
            if version != before:
                self._written.append(time.monotonic())
            try:
                alerts = self._server.alerts()
            except (OSError, ValueError):
                continue
            symbols = frozenset(one["labels"].get("symbol", "") for one in alerts)
            self._looks.append(Look(time.monotonic(), symbols))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
