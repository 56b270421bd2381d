"""The names of Faust and aiokafka that the batch transport overrides or relies on.

Most are private: an update that changes one of them has to fail here and not in production.
"""

import inspect
import re

import pytest
from aiokafka import AIOKafkaConsumer
from faust.app.base import App
from faust.tables.recovery import Recovery
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver

from streams.app import REBALANCE_TIMEOUT_SECONDS, REQUEST_TIMEOUT_SECONDS
from streams.batch_transport import (
    _COMMIT_SECONDS,
    _TAKEOVER_SECONDS,
    BatchConsumer,
    BatchTransport,
    _ConsumerThread,
)

CONSUMER = {
    "_drain_messages": ("fetcher",),
    "_new_consumer_thread": (),
    "_wait_next_records": ("timeout",),
    "_filter_tps_with_pending_acks": ("topics",),
    "_new_offset": ("tp",),
    "assignment": (),
    "commit": ("topics", "start_new_transaction"),
    "earliest_offsets": ("partitions",),
    "highwater": ("tp",),
    "highwaters": ("partitions",),
    "on_partitions_revoked": ("revoked",),
    "pause_partitions": ("tps",),
    "position": ("tp",),
    "resume_partitions": ("tps",),
    "seek_to_committed": (),
    "seek_wait": ("partitions",),
    "verify_event_path": ("now", "tp"),
}
THREAD = {
    "_commit": ("offsets",),
    "_create_worker_consumer": ("transport",),
    "_ensure_consumer": (),
    "assignment": (),
}


def parameters(function: object) -> tuple[str, ...]:
    assert callable(function)
    return tuple(inspect.signature(function).parameters)[1:]


def source(function: object) -> str:
    assert callable(function)
    return re.sub(r"\s+", " ", inspect.getsource(function))


@pytest.mark.parametrize(("name", "expected"), CONSUMER.items())
def test_the_consumers_methods_take_what_ours_take(name: str, expected: tuple[str, ...]) -> None:
    assert parameters(getattr(driver.Consumer, name)) == expected
    assert parameters(getattr(BatchConsumer, name)) == expected


@pytest.mark.parametrize(("name", "expected"), THREAD.items())
def test_the_threads_methods_take_what_ours_take(name: str, expected: tuple[str, ...]) -> None:
    assert parameters(getattr(driver.AIOKafkaConsumerThread, name)) == expected
    assert parameters(getattr(_ConsumerThread, name)) == expected


@pytest.mark.parametrize("name", ["_drain_messages", "_wait_next_records", "commit"])
def test_what_is_awaited_is_a_coroutine(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(driver.Consumer, name))
    assert inspect.iscoroutinefunction(getattr(BatchConsumer, name))


def test_the_fetcher_runs_the_method_that_reads() -> None:
    assert "await consumer._drain_messages(self)" in source(base.Fetcher._fetcher.fun)


def test_a_rebalance_seeks_before_it_resumes_and_gives_up_in_silence_after_a_timeout() -> None:
    resume = source(Recovery._resume_streams)

    steps = ["consumer.resume_partitions(", "consumer.perform_seek()", "consumer.resume_flow()"]
    places = [resume.index(step) for step in steps]
    assert places == sorted(places)
    assert "timeout=self.app.conf.broker_request_timeout" in resume
    # A takeover that hangs has to end the process before Faust stops waiting for it.
    assert _TAKEOVER_SECONDS < REQUEST_TIMEOUT_SECONDS


def test_a_seek_takes_its_offsets_from_the_method_that_takes_over() -> None:
    assert "await self.seek_to_committed()" in source(base.Consumer.perform_seek)


def test_a_commit_asks_for_the_offsets_that_ours_answers() -> None:
    commit = source(base.Consumer.force_commit) + source(base.Consumer._filter_committable_offsets)

    assert "self._filter_tps_with_pending_acks(topics)" in commit
    assert "self._new_offset(tp)" in commit


def test_offsets_are_forgotten_when_partitions_are_revoked() -> None:
    revoked = source(base.Consumer.on_partitions_revoked)

    assert "self._committed_offset.pop(tp, None)" in revoked
    assert _COMMIT_SECONDS < REBALANCE_TIMEOUT_SECONDS


def test_without_standbys_faust_would_not_copartition() -> None:
    chosen = source(driver.AIOKafkaConsumerThread._create_worker_consumer)

    assert "self.app.conf.table_standby_replicas > 0" in chosen
    assert "else RoundRobinPartitionAssignor" in chosen


def test_the_wait_of_a_fetch_is_read_when_the_consumer_starts() -> None:
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source(AIOKafkaConsumer.start)


def test_rebalancing_is_known_before_partitions_are_revoked_until_reading_resumes() -> None:
    listener = source(driver.ConsumerRebalanceListener.on_partitions_revoked)

    assert "thread.app.on_rebalance_start()" in listener
    assert "self.rebalancing = True" in source(App.on_rebalance_start)
    assert "self.rebalancing = False" in source(App.on_rebalance_end)
    resume = source(Recovery._resume_streams)
    assert resume.index("perform_seek()") < resume.index("app.on_rebalance_end()")


def test_the_transport_makes_our_consumer() -> None:
    assert BatchTransport.Consumer is BatchConsumer
    assert "self.Consumer(self, callback=callback" in source(driver.Transport.create_consumer)
