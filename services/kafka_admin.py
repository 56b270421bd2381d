"""Short-lived connections to Kafka, to administer and to read; they give up soon."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError

from core.errors import FlowError

_BOOTSTRAP_MS = 5_000
_REQUEST_MS = 10_000
_CONNECT_SECONDS = 2.0


class KafkaUnreachableError(FlowError):
    """Kafka does not answer, or not what was asked."""


def quiet_kafka() -> None:
    """Keep the client's log off the terminal of a short command: what matters it also raises."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


@contextmanager
def kafka_admin(bootstrap: str, *, request_ms: int = _REQUEST_MS) -> Iterator[Any]:
    """Connect as an administrator for the length of a block; `request_ms` bounds each request.

    Raises
    ------
    KafkaUnreachableError
        If nothing accepts connections, no broker answers, or one refuses what was asked.
    """
    with _connected(KafkaAdminClient, bootstrap, request_ms) as admin:
        yield admin


@contextmanager
def kafka_reader(
    bootstrap: str, *, request_ms: int = _REQUEST_MS, **settings: object
) -> Iterator[Any]:
    """Connect as a consumer of no group for the length of a block; `settings` are the client's.

    Raises
    ------
    KafkaUnreachableError
        As `kafka_admin`.
    """
    with _connected(
        KafkaConsumer,
        bootstrap,
        request_ms,
        # Records that were deleted meanwhile are skipped; the client's default skips to the end.
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **settings,
    ) as consumer:
        yield consumer


@contextmanager
def _connected(
    client: Callable[..., Any], bootstrap: str, request_ms: int, **settings: object
) -> Iterator[Any]:
    # The clients would try for long, and leave their sockets open when they give up.
    check_accepts(bootstrap)
    try:
        connection = client(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=min(_BOOTSTRAP_MS, request_ms),
            request_timeout_ms=request_ms,
            **settings,
        )
    except KafkaError as error:
        raise KafkaUnreachableError(
            f"expected Kafka at {bootstrap}: it accepts connections and does not answer ({error})"
        ) from error
    try:
        yield connection
    except KafkaError as error:
        raise KafkaUnreachableError(f"expected Kafka at {bootstrap}: {error!r}") from error
    finally:
        connection.close()


def check_accepts(bootstrap: str) -> None:
    """Look whether anything listens at one of the addresses at least.

    Raises
    ------
    KafkaUnreachableError
        If nothing does.
    """
    if not any(_accepts(server.strip()) for server in bootstrap.split(",")):
        raise KafkaUnreachableError(f"expected Kafka at {bootstrap}: nothing accepts connections")


def _accepts(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True
