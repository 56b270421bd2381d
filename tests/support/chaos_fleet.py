"""Several workers, each started again under its own name when it ends, as a supervisor does it."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from services.child_process import ChildError
from streams.topics import PARTITIONS
from tests.support.running_worker import START_SECONDS, Deployment, RunningWorker
from tests.support.waiting import eventually

RESTART_SECONDS = 0.1
"""How often the supervisor looks for ended processes."""


@dataclass(frozen=True)
class Ended:
    """One end of a worker that the supervisor saw; ``at`` is monotonic seconds."""

    name: str
    exit_code: int
    at: float


class Fleet:
    """Workers from w0 on; all end with the block.

    Parameters
    ----------
    is_static : bool     each is a static member of the group, under its name

    Attributes
    ----------
    workers : dict[str, RunningWorker]     by name, those that left included
    ends : list[Ended]                     what the supervisor saw end, and started again
    """

    def __init__(
        self, deployment: Deployment, count: int, *words: str, is_static: bool = True
    ) -> None:
        self.workers: dict[str, RunningWorker] = {}
        self.ends: list[Ended] = []
        self._deployment = deployment
        self._words = words
        self._is_static = is_static
        self._count = count
        self._lock = threading.RLock()
        self._kept: set[str] = set()
        self._wanted: list[RunningWorker] = []
        self._has_ended = threading.Event()
        # A child dies with the thread that started it, so this one starts them all.
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._supervisor.start()
        try:
            for number in range(self._count):
                self.join(f"w{number}")
            self.until_serving()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._kept.clear()
            self._wanted.clear()
        for worker in self.workers.values():
            # One that is frozen; another may end of itself while we look.
            with suppress(ChildError):
                worker.resume()
            worker.stop(grace_seconds=5)
        self._has_ended.set()
        self._supervisor.join()

    def names(self) -> list[str]:
        """Return the workers that are kept running."""
        return sorted(self._kept)

    def join(self, name: str) -> RunningWorker:
        """Start a worker that is kept running from here on."""
        words = ("--instance-id", name) if self._is_static else ()
        with self._lock:
            worker = self.workers.get(name)
            if worker is None:
                worker = self._deployment.worker(name, *words, *self._words)
                self.workers[name] = worker
            self._wanted.append(worker)
        eventually(lambda: not self._wanted)
        self._kept.add(name)
        return worker

    def leave(self, name: str) -> None:
        """End a worker as an operator does, for good."""
        with self._lock:
            self._kept.discard(name)
            self.workers[name].stop()

    def running(self) -> list[str]:
        """Return the workers whose process runs now."""
        with self._lock:
            return [name for name in self.names() if self.workers[name].returncode is None]

    def kill(self, name: str) -> None:
        """Let a worker crash; the supervisor starts it again."""
        with self._lock:
            self.workers[name].kill()

    def kill_all(self) -> list[str]:
        """Let all workers crash and stay away; return their names, to be joined again."""
        with self._lock:
            names = self.names()
            self._kept.clear()
            for name in names:
                self.workers[name].kill()
        return names

    def until_serving(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until the workers own every partition between them and have caught up."""
        eventually(self.serves, seconds=seconds)

    def serves(self) -> bool:
        """Say whether each partition has one owner, and the owner has caught up."""
        warming = [self.workers[name].warming() for name in self.names()]
        return (
            sorted(number for each in warming for number in each) == list(range(PARTITIONS))
            and all(warming)
            and not any(is_warming for each in warming for is_warming in each.values())
        )

    def total(self, metric: str, **labels: str) -> float:
        """Return the sum of a metric over the workers that run now."""
        return sum(self.workers[name].metric(metric, **labels) for name in self.names())

    def logs(self) -> str:
        """Return all that the workers have logged."""
        return "".join(worker.log_file.read_text() for worker in self.workers.values())

    def _supervise(self) -> None:
        while not self._has_ended.wait(RESTART_SECONDS):
            with self._lock:
                for worker in self._wanted:
                    worker.start()
                self._wanted.clear()
                for name in self.names():
                    self._revive(name, self.workers[name])

    def _revive(self, name: str, worker: RunningWorker) -> None:
        exit_code = worker.returncode
        if exit_code is not None:
            self.ends.append(Ended(name, exit_code, time.monotonic()))
            worker.start()
