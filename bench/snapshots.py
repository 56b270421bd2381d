"""Part ``snapshots``: what saving costs, and how soon a worker is back with and without one."""

import time
from statistics import median

import numpy as np
import redis

from bench.figures import Figure
from bench.servers import Servers, send
from bench.throughput import Topic
from bench.worker_process import Pace, WorkerProcess
from bench.workload import Market, Records
from core.book import Book
from core.book_state import names_of, result_state
from core.columns import PriceColumns
from core.day import BUCKET_NS
from core.universe import Universe
from services.topics_admin import create_topics
from services.universe_files import load_universe
from streams.closes import encode_results
from streams.fencing import partial_key, partition_key
from streams.routes import references_of
from streams.topics import CLOSES, PARTITIONS
from tests.support.universes import SESSION

PART = "snapshots"
ROUNDS = 3
PAST_SESSIONS = 20
_EVENTS = 1_000_000
_EVENT_STEP_NS = 50_000
_MORNING_EVENTS = 150_000
_MORNING_STEP_NS = 100_000_000
_POLL_SECONDS = 0.02
_READY_SECONDS = 120.0


def measure(servers: Servers) -> list[Figure]:
    """Return the figures; the state is a morning of 2 000 references and a month of results."""
    create_topics(servers.bootstrap)
    topic, market = Topic(servers), Market()
    send(servers.bootstrap, CLOSES, _results(load_universe(servers.universe)))
    topic.send(market.opening())
    topic.send(market.prices(_MORNING_EVENTS, step_ns=_MORNING_STEP_NS))
    with_saves: list[Pace] = []
    without: list[Pace] = []
    for _ in range(ROUNDS):
        for paces, module in ((with_saves, "services"), (without, "bench.unsaved_worker")):
            _forget_partials(servers)
            with WorkerProcess(servers, module=module) as worker:
                worker.wait_ready()
                topic.send(market.prices(_EVENTS, step_ns=_EVENT_STEP_NS), worker)
                paces.append(worker.measure_backlog(_EVENTS))
    return [*_cost(with_saves, without), *_returns(servers, topic)]


def _cost(with_saves: list[Pace], without: list[Pace]) -> list[Figure]:
    saved, unsaved = (median(pace.per_second for pace in each) for each in (with_saves, without))
    busy = [median(pace.processor_seconds for pace in each) for each in (with_saves, without)]
    return [
        Figure(PART, "JSON events, snapshots every second", saved, "events/s"),
        Figure(PART, "JSON events, no snapshots", unsaved, "events/s"),
        Figure(PART, "events lost to snapshots", 1.0 - saved / unsaved, below=0.05),
        Figure(PART, "processor time of an event, with over without", busy[0] / busy[1]),
    ]


def _returns(servers: Servers, topic: Topic) -> list[Figure]:
    """Return how long a worker takes from its start until every partition has its partial."""
    with redis.Redis.from_url(servers.redis_url) as store:
        with WorkerProcess(servers) as worker:
            worker.wait_ready()
        sizes = [store.memory_usage(partition_key(number)) or 0 for number in range(PARTITIONS)]
        restored = _seconds_to_partials(servers, store)
        store.flushall()
        rebuilt = _seconds_to_partials(servers, store)
    return [
        Figure(PART, "state in Redis", sum(sizes), "B"),
        Figure(PART, "start to first projection, from snapshots", restored, "s", below=3.0),
        Figure(PART, "start to first projection, Redis wiped", rebuilt, "s"),
        Figure(PART, "events read for that", sum(topic.ends), "events"),
    ]


def _seconds_to_partials(servers: Servers, store: redis.Redis) -> float:
    keys = [partial_key(number) for number in range(PARTITIONS)]
    store.delete(*keys)
    started = time.monotonic()
    with WorkerProcess(servers):
        while store.exists(*keys) < PARTITIONS:
            if time.monotonic() - started > _READY_SECONDS:
                raise TimeoutError(f"no partials within {_READY_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - started


def _forget_partials(servers: Servers) -> None:
    with redis.Redis.from_url(servers.redis_url) as store:
        store.delete(*(partial_key(number) for number in range(PARTITIONS)))


def _results(universe: Universe) -> Records:
    """Return the results of past sessions of every reference, with all five-minute closes."""
    return [_results_of(universe, number) for number in range(PARTITIONS)]


def _results_of(universe: Universe, number: int) -> list[tuple[bytes, bytes]]:
    book = Book(universe, references_of(universe, number, PARTITIONS))
    table = universe.schedules[0]
    newest = int(np.searchsorted(table.label, np.datetime64(SESSION).astype(int)))
    random = np.random.default_rng(number)
    size, records = len(book.symbols), []
    for at in range(newest - PAST_SESSIONS, newest):
        times = np.arange(table.open_ns[at] + BUCKET_NS, table.close_ns[at] + 1, BUCKET_NS)
        for time_ns in times.tolist():
            book.apply_prices(
                PriceColumns(
                    reference=np.arange(size, dtype=np.int32),
                    event_ns=np.full(size, time_ns),
                    price=random.uniform(99.0, 101.0, size),
                    sequence=np.zeros(size, np.int64),
                    source=np.full(size, book.source_index("bench"), np.int32),
                    official=np.zeros(size, np.bool_),
                )
            )
        state = result_state(book, book.days[int(table.label[at])], np.arange(size))
        encoded = encode_results(state, names_of(book), fund_row=book.fund_row)
        records += [(one.key, one.value) for one in encoded]
    return records
