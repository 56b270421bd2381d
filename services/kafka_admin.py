"""A short-lived connection to Kafka's administrator interface, which gives up soon."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from core.errors import FlowError

_BOOTSTRAP_MS = 5_000
_REQUEST_MS = 10_000
_CONNECT_SECONDS = 2.0


class KafkaUnreachableError(FlowError):
    """Kafka does not answer, or not what was asked."""


@contextmanager
def kafka_admin(bootstrap: str, *, request_ms: int = _REQUEST_MS) -> Iterator[Any]:
    """Connect for the length of a block; `request_ms` bounds each of its requests.

    Raises
    ------
    KafkaUnreachableError
        If nothing accepts connections, no broker answers, or one refuses what was asked.
    """
    # The client would try for long, and leaves its sockets open when it gives up.
    check_accepts(bootstrap)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=min(_BOOTSTRAP_MS, request_ms),
            request_timeout_ms=request_ms,
        )
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise KafkaUnreachableError(f"expected Kafka at {bootstrap}: {error!r}") from error


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
