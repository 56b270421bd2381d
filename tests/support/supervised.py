"""Processes that are started again when they end, as a supervisor of the stack does it."""

import threading
import time
from dataclasses import dataclass, field
from typing import Self

from services.child_process import ChildProcess

LOOK_SECONDS = 1.0
"""How often the stack's supervisor looks for ended processes: the longest it leaves one away."""
_POLL_SECONDS = 0.02


@dataclass
class _Kept:
    child: ChildProcess
    started: list[float] = field(default_factory=list)
    ended_at: float | None = None


class Supervised:
    """Keeps processes running for as long as the block, whatever ends them.

    An ended one stays away for ``LOOK_SECONDS``.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        # A child dies with the thread that started it, so this one starts them all.
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def keep(self, child: ChildProcess) -> None:
        """Start a process, and start it again whenever it has ended."""
        with self._lock:
            self._kept[child.name] = _Kept(child)

    def started_since(self, child: ChildProcess, at: float) -> float:
        """Return when a process was first started after a moment, monotonic seconds."""
        started = [each for each in self._kept[child.name].started if each >= at]
        assert started, f"{child.name} was not started again"
        return started[0]

    def _supervise(self) -> None:
        while not self._is_over.wait(_POLL_SECONDS):
            with self._lock:
                for kept in self._kept.values():
                    self._look_at(kept)

    @staticmethod
    def _look_at(kept: _Kept) -> None:
        now = time.monotonic()
        if kept.started and kept.child.returncode is None:
            return
        if kept.started and kept.ended_at is None:
            kept.ended_at = now
        if kept.ended_at is None or now - kept.ended_at >= LOOK_SECONDS:
            kept.child.start()
            kept.started.append(now)
            kept.ended_at = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            kept = list(self._kept.values())
            self._kept.clear()
        for each in kept:
            if each.child.returncode is None and each.started:
                each.child.kill()
        self._is_over.set()
        self._thread.join()
