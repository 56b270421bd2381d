"""Parts ``json`` and ``frames``: the whole worker beside the least and the most usual."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.servers import Servers, send
from bench.worker_process import Pace, WorkerProcess
from bench.workload import FRAME_ROWS, Market, Records
from services.topics_admin import create_topics
from streams.topics import PARTITIONS, PRICES

PART = "worker"
ROUNDS = 3
_EVENTS = 1_500_000
_EVENT_STEP_NS = 50_000
_FRAMES = 12_000
_ROW_STEP_NS = 1_000
_STOCK_SECONDS = 8.0
_CHILD_SECONDS = 90.0


@dataclass(frozen=True)
class _Round:
    """Both paces over the same records; the bare loop's is in records."""

    worker: Pace
    bare: Pace


@dataclass
class Topic:
    """The topic of prices, and the offset at which each partition goes on."""

    servers: Servers
    ends: list[int] = field(default_factory=lambda: [0] * PARTITIONS)

    def send(self, records: Records, worker: WorkerProcess | None = None) -> list[int]:
        """Send records, with the worker paused; return the offset of each partition's first."""
        starts = list(self.ends)
        before = worker.pause if worker else lambda: None
        send(self.servers.bootstrap, PRICES, records, before=before)
        self.ends = [end + len(new) for end, new in zip(self.ends, records, strict=True)]
        return starts


def measure(servers: Servers) -> list[Figure]:
    """Return the figures of the worker, of the counting loop and of the stock agent."""
    create_topics(servers.bootstrap)
    topic, market = Topic(servers), Market()
    topic.send(market.opening())
    with WorkerProcess(servers) as worker:
        worker.wait_ready()
        events = [
            _round(topic, market.prices(_EVENTS, step_ns=_EVENT_STEP_NS), worker, events=_EVENTS)
            for _ in range(ROUNDS)
        ]
        frames = [
            _round(
                topic,
                market.frames(_FRAMES, step_ns=_ROW_STEP_NS),
                worker,
                events=_FRAMES * FRAME_ROWS,
            )
            for _ in range(ROUNDS)
        ]
    stock = _child(
        "bench.stock_agent",
        *("--bootstrap", servers.bootstrap, "--universe", str(servers.universe)),
        *("--seconds", f"{_STOCK_SECONDS:g}"),
    )
    return _event_figures(events, stock) + _frame_figures(frames)


def _round(topic: Topic, records: Records, worker: WorkerProcess, *, events: int) -> _Round:
    """Have the worker, then the counting loop, read the same records from the broker."""
    starts = topic.send(records, worker)
    return _Round(
        worker=worker.measure_backlog(events),
        bare=_child(
            "bench.counting_loop",
            *("--bootstrap", topic.servers.bootstrap, "--topic", PRICES),
            *("--starts", ",".join(map(str, starts)), "--count", str(sum(map(len, records)))),
        ),
    )


def _child(module: str, *words: str) -> Pace:
    done = subprocess.run(  # noqa: S603  a module of ours
        [sys.executable, "-m", module, *words],
        stdout=subprocess.PIPE,
        check=True,
        timeout=_CHILD_SECONDS,
        cwd=Path(__file__).parents[1],
    )
    return Pace(**json.loads(done.stdout))


def _event_figures(rounds: Sequence[_Round], stock: Pace) -> list[Figure]:
    worker, bare = _median_pace([r.worker for r in rounds]), _median_pace([r.bare for r in rounds])
    to_bare = median(r.worker.per_second / r.bare.per_second for r in rounds)
    to_stock = worker.per_second / stock.per_second
    paces = (("worker", worker), ("bare aiokafka loop that counts", bare), ("stock agent", stock))
    return [
        *(Figure(PART, f"JSON events, {name}", p.per_second, "events/s") for name, p in paces),
        Figure(PART, "JSON events, worker over bare loop", to_bare, at_least=0.5),
        Figure(PART, "JSON events, worker over stock agent", to_stock, at_least=15.0),
        *(
            Figure(PART, f"processor time of an event, {name}", 1e6 * p.processor_seconds, "us")
            for name, p in paces
        ),
    ]


def _frame_figures(rounds: Sequence[_Round]) -> list[Figure]:
    worker, bare = _median_pace([r.worker for r in rounds]), _median_pace([r.bare for r in rounds])
    frames = f"frames of {FRAME_ROWS} rows"
    per_frame = "processor time of a frame"
    row_seconds, frame_seconds = worker.processor_seconds, bare.processor_seconds
    return [
        Figure(PART, f"{frames}, worker", worker.per_second, "rows/s", at_least=10e6),
        Figure(PART, f"{frames}, bare loop", bare.per_second * FRAME_ROWS, "rows/s"),
        Figure(PART, f"{per_frame}, worker", 1e6 * FRAME_ROWS * row_seconds, "us"),
        Figure(PART, f"{per_frame}, bare loop", 1e6 * frame_seconds, "us"),
    ]


def _median_pace(paces: Sequence[Pace]) -> Pace:
    return Pace(
        per_second=median(pace.per_second for pace in paces),
        processor_seconds=median(pace.processor_seconds for pace in paces),
    )
