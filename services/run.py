"""The whole service on one machine: embedded servers, our processes, a simulated market.

Everything runs as children of this process and ends with it. What lies before the start of the
play is sent at once; the alerter starts once the worker has caught up with it, so that nobody is
paged for the morning.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import redis

from core.errors import ConfigError, FlowError
from core.sessions import NANOS_PER_SECOND
from services.alert_links import replay_files
from services.child_process import ChildProcess, free_port
from services.embedded_kafka import EmbeddedKafka
from services.embedded_redis import EmbeddedRedis
from services.market_progress import market_ns
from services.options_settings import OptionsSection
from services.scenario import write_scenario
from services.topics_admin import create_topics

VIEW_KEY = "forcedflow:view"
_MARK = ".forcedflow-run"
"""What a run's folder is known by: it may be emptied."""
_CATCH_UP_SECONDS = 120.0
_POLL_SECONDS = 0.1

Document = dict[str, Any]


@dataclass(frozen=True)
class Play:
    """What to play, and how.

    Attributes
    ----------
    directory : Path                logs and data of the run; what an earlier one left is erased
    start_ns : int                  event time at which the play begins; earlier is sent at once
    speed : float                   event time over host time
    seed : int                      of the simulated market
    alertmanagers : tuple[str, ...] base URLs; none: alerts are shown and not sent
    options : OptionsSection        what the worker assumes of dealers in options
    """

    directory: Path
    start_ns: int
    speed: float
    seed: int
    alertmanagers: tuple[str, ...] = ()
    options: OptionsSection = field(default_factory=OptionsSection)

    @property
    def market(self) -> Path:
        """The folder of the simulated market."""
        return self.directory / "market"


class RunningService:
    """The service while it runs; ``document`` reads the newest view."""

    def __init__(self, store: redis.Redis, children: Sequence[ChildProcess]) -> None:
        self._store = store
        self._children = children

    def document(self) -> Document | None:
        """Return the view as the alerter published it, None before its first."""
        content = self._store.get(VIEW_KEY)
        return None if content is None else msgspec.json.decode(content, type=Document)

    def check(self) -> None:
        """Raise `FlowError` if a process of the service has ended."""
        for child in self._children:
            if child.returncode:
                raise FlowError(
                    f"{child.name} ended with status {child.returncode}; see {child.log_file}"
                )


@contextmanager
def running(play: Play, *, tell: Callable[[str], None]) -> Iterator[RunningService]:
    """Start the whole service and play the market; everything ends with the block.

    ``tell`` is given one line for each step of the start.

    Raises
    ------
    ConfigError
        If the run's folder holds something else than an earlier run, or cannot be made.
    FlowError
        If a process does not start.
    """
    _make_anew(play.directory)
    with ExitStack() as stack:
        kafka = EmbeddedKafka(play.directory / "kafka")
        server = EmbeddedRedis(play.directory / "redis")
        tell("writing the simulated market; starting Kafka and Redis")
        # Its own thread is fine for the market, not for a child: those die with their thread.
        with ThreadPoolExecutor(1) as pool:
            written = pool.submit(write_scenario, play.market, seed=play.seed)
            stack.enter_context(server)
            stack.enter_context(kafka)
            create_topics(kafka.bootstrap)
            written.result()
        store = stack.enter_context(redis.Redis.from_url(server.url))
        processes = _Processes(play, kafka.bootstrap, server.url)
        children = [stack.enter_context(processes.worker())]
        children.append(stack.enter_context(processes.gateway()))
        service = RunningService(store, children)
        tell("sending what lies before the start; waiting for the worker to catch up")
        _wait_until_caught_up(store, play.start_ns, check=service.check)
        children.append(stack.enter_context(processes.alerter()))
        yield service


def _make_anew(directory: Path) -> None:
    """Empty what a run has left; never a folder that somebody named by mistake."""
    mark = directory / _MARK
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Runs before there was a mark have left theirs in the folder that is the default.
        is_ours = mark.exists() or directory.resolve().parent.name == ".forcedflow"
        if not is_ours and any(directory.iterdir()):
            raise ConfigError(
                f"{directory}: expected an empty folder, or one that an earlier run has left;"
                " it holds something else, and a run would erase it"
            )
        # First, and never erased: a run that is killed while it erases leaves what is known as its.
        mark.touch()
        for entry in set(directory.iterdir()) - {mark}:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    except OSError as error:
        message = f"{directory}: expected a folder to write to: {error.strerror}"
        raise ConfigError(message) from error


class _Processes:
    """Our own processes with the settings of this run."""

    def __init__(self, play: Play, bootstrap: str, redis_url: str) -> None:
        self._play = play
        self._kafka = ("--kafka-bootstrap", bootstrap)
        self._redis = ("--redis-url", redis_url)
        self._universe = ("--universe", str(play.market / "universe"))

    def worker(self) -> ChildProcess:
        assumed = self._play.options.words()
        return self._child("worker", *self._kafka, *self._redis, *self._universe, *assumed)

    def gateway(self) -> ChildProcess:
        market = self._play.market
        start = datetime.fromtimestamp(self._play.start_ns // NANOS_PER_SECOND).astimezone()
        feed = (
            "--prices",
            str(market / "prices.jsonl"),
            "--flows",
            str(market / "etf-flows.jsonl"),
            "--open-interest",
            str(market / "open-interest.jsonl"),
        )
        pace = ("--speed", f"{self._play.speed:g}", "--start-at", start.isoformat())
        return self._child("gateway", *self._kafka, *self._universe, *feed, *pace)

    def alerter(self) -> ChildProcess:
        market = self._play.market
        rules = ("--rules", str(market / "rules.yaml"), f"--replay-files={replay_files(market)}")
        peers = [word for url in self._play.alertmanagers for word in ("--alertmanager", url)]
        return self._child("alerter", *self._kafka, *self._redis, *self._universe, *rules, *peers)

    def _child(self, name: str, *words: str) -> ChildProcess:
        port = ("--metrics-port", str(free_port()))
        command = [sys.executable, "-m", "services", name, *words, *port]
        return ChildProcess(name, command, directory=self._play.directory)


def _wait_until_caught_up(store: redis.Redis, start_ns: int, *, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while market_ns(store) < start_ns:
        check()
        if time.monotonic() > deadline:
            raise FlowError(f"the worker did not catch up within {_CATCH_UP_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)
