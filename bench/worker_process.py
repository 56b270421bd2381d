"""The worker under measurement: the command that operators start, watched from outside."""

import os
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from prometheus_client.parser import text_string_to_metric_families

from bench.servers import Servers
from core.errors import FlowError
from core.sessions import NO_SESSION
from services.child_process import ChildProcess, free_port
from services.universe_files import load_universe
from streams.fencing import partial_key
from streams.partials import decode_partial
from streams.topics import PARTITIONS, PRICES

_READY_SECONDS = 60.0
_DONE_SECONDS = 60.0
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Reading:
    """What a worker says: events applied, host time of the last, processor time it has used."""

    applied: float
    progress_seconds: float
    processor_seconds: float


@dataclass(frozen=True)
class Pace:
    """Events or rows a second, and the processor time of one, in seconds."""

    per_second: float
    processor_seconds: float


class WorkerProcess:
    """A worker of all partitions; it is ready, with a session to work on, after `wait_ready`.

    ``module`` is run in place of the command, with the same words.
    """

    def __init__(self, servers: Servers, *, module: str = "services") -> None:
        self._servers = servers
        self._port = free_port()
        options = {
            "--universe": str(servers.universe),
            "--kafka-bootstrap": servers.bootstrap,
            "--redis-url": servers.redis_url,
            "--metrics-port": str(self._port),
        }
        words = [word for option in options.items() for word in option]
        self._child = ChildProcess(
            "worker",
            [sys.executable, "-m", module, "worker", *words],
            directory=servers.directory,
            environment=dict(os.environ)
            | {
                "PYTHONPATH": str(Path(__file__).parents[1]),
                "FORCEDFLOW_WORKER__SESSION_TIMEOUT_SECONDS": "10",
            },
        )
        self._applied = 0.0

    def __enter__(self) -> Self:
        self._child.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.stop()

    def pause(self) -> None:
        """Freeze the worker; it must go on before its session times out, in ten seconds."""
        self._applied = self.read().applied
        self._child.pause()

    def wait_ready(self) -> None:
        """Wait until the partials of all partitions are of the session that is played."""
        version = load_universe(self._servers.universe).version
        with redis.Redis.from_url(self._servers.redis_url) as store:
            wait_in_session(self._child, store, version)

    def measure_backlog(self, count: int) -> Pace:
        """Let a paused worker go on; return its pace until it has applied so many events more.

        Raises
        ------
        FlowError
            If it used any event in another way, lost its partitions, or did not get there.
        """
        target = self._applied + count
        self._child.resume()
        deadline = time.monotonic() + _DONE_SECONDS
        while (first := self.read()).applied == self._applied and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        last = first
        while last.applied < target:
            if time.monotonic() > deadline:
                raise FlowError(f"expected {target:g} events applied, there were {last.applied:g}")
            time.sleep(_POLL_SECONDS)
            last = self.read()
        events = last.applied - first.applied
        return Pace(
            per_second=events / (last.progress_seconds - first.progress_seconds),
            processor_seconds=(last.processor_seconds - first.processor_seconds) / events,
        )

    def read(self) -> Reading:
        """Return what the worker's metrics say now."""
        samples = self._samples()
        outcomes = {
            dict(labels)["outcome"]: value
            for (name, labels), value in samples.items()
            if name == "forcedflow_events_total" and dict(labels)["topic"] == PRICES
        }
        applied = outcomes.pop("applied", 0.0)
        if any(outcomes.values()) or samples["forcedflow_rebalances_total", ()] > 1:
            raise FlowError(f"expected every event applied by one assignment, also had {outcomes}")
        return Reading(
            applied=applied,
            progress_seconds=samples["forcedflow_last_progress_timestamp_seconds", ()],
            processor_seconds=samples["process_cpu_seconds_total", ()],
        )

    def _samples(self) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
        address = f"http://127.0.0.1:{self._port}/metrics"
        with urllib.request.urlopen(address, timeout=_POLL_SECONDS * 20) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                (sample.name, tuple(sample.labels.items())): sample.value
                for family in families
                for sample in family.samples
            }


def wait_in_session(worker: ChildProcess, store: redis.Redis, version: str) -> None:
    """Wait until a worker's partials of all partitions are in session."""
    worker.wait_until(
        lambda: all(_is_in_session(store, version, each) for each in range(PARTITIONS)),
        timeout_seconds=_READY_SECONDS,
    )


def _is_in_session(store: redis.Redis, version: str, partition: int) -> bool:
    content = store.hget(partial_key(partition), "content")
    if not isinstance(content, bytes):
        return False
    partial = decode_partial(content, universe=version, partition=partition)
    return bool((partial.label != NO_SESSION).all())
