"""A running worker: good events move the partial, bad ones lie in the dead letters."""

import time
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pytest

from services.embedded_redis import EmbeddedRedis
from streams.frames import encode_frame
from streams.topics import FLOWS, PRICES
from tests.support.decoders import ACME_PARTITION, write_small_universe
from tests.support.records import TIME_NS, event, flow, heartbeat, price
from tests.support.running_worker import Deployment, RunningWorker
from tests.support.waiting import eventually

SECOND_NS = 10**9
DAY_NS = 24 * 3600 * SECOND_NS
"""Longer than tests run after they were collected."""


@pytest.fixture(scope="module")
def deployment(
    kafka: str, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    directory = tmp_path_factory.mktemp("worker")
    with Deployment(
        bootstrap=kafka,
        redis_url=f"redis://127.0.0.1:{redis_server.port}/5",
        universe=write_small_universe(directory / "universe"),
        directory=directory,
        prefix=f"worker-{time.monotonic_ns()}-",
    ) as found:
        yield found


@pytest.fixture(scope="module")
def worker(deployment: Deployment) -> Iterator[RunningWorker]:
    with deployment.serving() as running:
        yield running


class Feed:
    """Sends prices of ACME, each later than all before, and says what came of them."""

    def __init__(self, deployment: Deployment, worker: RunningWorker) -> None:
        self.deployment = deployment
        self.worker = worker
        self._seconds = 0

    def send(self, *values: bytes, topic: str = PRICES, partition: int = ACME_PARTITION) -> int:
        return self.deployment.send(topic, *values, partition=partition)

    def next_ns(self) -> int:
        self._seconds += 1
        return TIME_NS + self._seconds * SECOND_NS

    def price(self, figure: float) -> None:
        """Send a good price and a heartbeat, and wait until the partial shows it."""
        time_ns = self.next_ns()
        self.send(price(price=figure, event_time=time_ns), heartbeat("", time_ns))
        eventually(lambda: self.shown() == figure)

    def shown(self) -> float:
        partial = self.deployment.partial(ACME_PARTITION)
        assert partial is not None
        return float(partial.price[0])


@pytest.fixture(scope="module")
def feed(deployment: Deployment, worker: RunningWorker) -> Feed:
    return Feed(deployment, worker)


def frame(**columns: object) -> bytes:
    default = {"symbol": ["ACME"], "event_time": [TIME_NS], "price": [1.0]}
    return encode_frame(pa.record_batch(default | columns))


BAD = {
    "nan": (price(price=float("nan")), "bad_price"),
    "negative": (price(price=-1.0), "bad_price"),
    "zero": (price(price=0.0), "bad_price"),
    "text": (price(price="12"), "bad_price"),
    "later than its record": (price(event_time=time.time_ns() + DAY_NS), "future"),
    "naive time": (price(event_time="2026-06-23T10:00:00"), "naive_time"),
    "seconds for nanoseconds": (price(event_time=TIME_NS // SECOND_NS), "bad_event_time"),
    "wrong topic": (flow(), "wrong_topic"),
    "wrong partition": (price("BOLT"), "misrouted"),
    "missing key": (event(symbol="ACME", event_time=TIME_NS), "missing_key"),
    "invalid utf-8": (b'{"symbol": "AC\xffME"}', "not_utf8"),
    "no json": (b"ACME,90.0", "malformed"),
    "tombstone": (b"", "empty"),
    "over 64 kib": (b'{"x": "' + b"x" * 65_536 + b'"}', "too_long"),
    "truncated frame": (frame()[:-40], "bad_frame"),
    "nan in a frame": (frame(price=[float("nan")]), "bad_price"),
    "naive frame": (frame(event_time=pa.array([TIME_NS], pa.timestamp("ns"))), "naive_time"),
}


def test_a_price_moves_the_demand_of_the_funds(feed: Feed) -> None:
    feed.price(90.0)

    partial = feed.deployment.partial(ACME_PARTITION)
    assert partial is not None
    # 2 x 1 x 800 million and 1 x 2 x 100 million, at a return of -10 %.
    assert partial.leveraged_usd[0] == pytest.approx(-1.8e8)


def test_a_creation_moves_its_reference(feed: Feed) -> None:
    feed.price(90.5)

    feed.send(flow("ACMU", 3e6), flow("ACMD", 1e6), topic=FLOWS)

    def creations() -> float:
        partial = feed.deployment.partial(ACME_PARTITION)
        assert partial is not None
        return float(partial.creation_usd[0])

    eventually(lambda: creations() == 5e6)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_counted_and_kept_and_moves_nothing(feed: Feed, name: str) -> None:
    value, reason = BAD[name]
    counted = feed.worker.metric("forcedflow_dead_letters_total", reason=reason)
    letters = len(feed.deployment.letters())
    feed.price(91.0)

    offset = feed.send(value)
    feed.price(92.0)

    letter = feed.deployment.wait_for_letters(letters + 1)[-1]
    assert letter.id == f"prices/{ACME_PARTITION}/{offset}/0"
    assert (letter.reason, letter.length > 0) == (reason, name != "tombstone")
    assert letter.message.startswith("expected ")
    assert feed.worker.metric("forcedflow_dead_letters_total", reason=reason) == counted + 1


def test_duplicates_and_late_events_change_nothing(feed: Feed) -> None:
    late, newest = feed.next_ns(), feed.next_ns()
    feed.send(price(price=93.0, event_time=newest), heartbeat("", newest))
    eventually(lambda: feed.shown() == 93.0)
    applied = feed.worker.metric("forcedflow_events_total", topic=PRICES, outcome="applied")

    feed.send(price(price=93.0, event_time=newest), price(price=50.0, event_time=late))

    eventually(
        lambda: (
            feed.worker.metric("forcedflow_events_total", topic=PRICES, outcome="applied")
            == applied + 2
        )
    )
    assert feed.shown() == 93.0


def test_symbols_outside_the_universe_are_counted_and_make_no_letter(feed: Feed) -> None:
    letters = Counter(letter.id for letter in feed.deployment.letters())
    unknown = feed.worker.metric("forcedflow_events_total", topic=PRICES, outcome="unknown")

    feed.send(price("ELSE"), price("ELSE", price=-1.0))
    feed.price(94.0)

    assert (
        feed.worker.metric("forcedflow_events_total", topic=PRICES, outcome="unknown")
        == unknown + 2
    )
    assert Counter(letter.id for letter in feed.deployment.letters()) == letters


def test_the_committed_offset_follows_what_was_handled(feed: Feed) -> None:
    feed.price(95.0)
    end = feed.send(price(event_time=feed.next_ns())) + 1

    eventually(lambda: feed.deployment.committed(PRICES, ACME_PARTITION) == end)


def test_partitions_without_references_have_partials_too(feed: Feed) -> None:
    partials = [feed.deployment.partial(partition) for partition in range(12)]

    sizes = [len(partial.reference) for partial in partials if partial is not None]
    assert (len(sizes), sum(sizes)) == (12, 2)
