"""The Faust app of a worker: what of Faust is used, and with which settings."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, cast

import faust
from faust.types import StreamT

from streams.batch_transport import BatchTransport, Owner, Sink
from streams.topics import CLOSES, DEAD_LETTERS, INPUTS

MAX_POLL_RECORDS = 4_000
"""Records handed out at once: a few milliseconds of work, and timers run in between."""
REQUEST_TIMEOUT_SECONDS = 20.0
REBALANCE_TIMEOUT_SECONDS = 15.0
COMMIT_INTERVAL_SECONDS = 2.0


def worker_app(
    *,
    bootstrap: str,
    group_id: str,
    instance_id: str,
    session_timeout_seconds: float,
    topics_prefix: str,
    directory: Path,
) -> faust.App:
    """Return the app of a worker; `connect` gives it its work.

    Parameters
    ----------
    bootstrap : str        host:port, several with commas
    instance_id : str      static member of the group; "" = a new member at each start
    directory : Path       Faust makes folders in it and leaves them empty
    """
    brokers = ";".join(f"kafka://{server.strip()}" for server in bootstrap.split(","))
    app = faust.App(
        group_id,
        broker=brokers,
        broker_client_id="forcedflow-worker",
        broker_session_timeout=session_timeout_seconds,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=REQUEST_TIMEOUT_SECONDS,
        broker_rebalance_timeout=REBALANCE_TIMEOUT_SECONDS,
        broker_commit_interval=COMMIT_INTERVAL_SECONDS,
        broker_max_poll_records=MAX_POLL_RECORDS,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance_id or None,
        key_serializer="raw",
        value_serializer="raw",
        # Topics are made by an administrator with the settings that the service relies on.
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        web_enabled=False,
        # Kept at 1 although there are no tables: with 0 Faust would take an assignor that gives
        # the same partition of two topics to different workers.
        table_standby_replicas=1,
        datadir=directory,
    )
    names = [f"{topics_prefix}{topic}" for topic in INPUTS]
    topic = app.topic(*names, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def subscription(stream: StreamT[Any]) -> None:
        # Subscribes the group to the topics; the transport hands no event to streams.
        async for _ in stream:
            pass

    app.agent(topic, name="subscription")(subscription)
    return app


def connect(app: faust.App, *, sink: Sink, owner: Owner) -> None:
    """Have an app hand its batches to `sink`, for the partitions that `owner` took over."""
    # Reading the settings makes them final, which a transport needs.
    app.transport = BatchTransport(app.conf.broker_consumer, app, sink=sink, owner=owner)


class ResultSender:
    """Hands sessions' results to the app's producer, which waits for all replicas."""

    def __init__(self, app: faust.App, topics_prefix: str) -> None:
        self._app = app
        self._topic = f"{topics_prefix}{CLOSES}"

    async def __call__(self, partition: int, key: bytes, value: bytes) -> Awaitable[object]:
        """Send one result; await the answer for Kafka's acknowledgement."""
        sent = await self._app.producer.send(
            self._topic, key, value, partition=partition, timestamp=None, headers=None
        )
        return cast("Awaitable[object]", sent)


class LetterSender:
    """Hands dead letters to the app's producer, which waits for all replicas."""

    def __init__(self, app: faust.App, topics_prefix: str) -> None:
        self._app = app
        self._topic = f"{topics_prefix}{DEAD_LETTERS}"

    async def __call__(self, key: bytes, value: bytes) -> Awaitable[object]:
        """Send one letter; await the result for Kafka's acknowledgement."""
        sent = await self._app.producer.send(
            self._topic, key, value, partition=None, timestamp=None, headers=None
        )
        return cast("Awaitable[object]", sent)
