"""What someone who asks an Alertmanager all the time gets to see."""

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
    """Looks at the API from a thread of its own; an answer that does not come is no look."""

    def __init__(self, server: AlertmanagerServer) -> None:
        self._server = server
        self._looks: list[Look] = []
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

    def _run(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
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
