"""One Kafka for a whole test run, started by the first test that asks, in whichever process.

The process that runs pytest keeps it; the workers of pytest-xdist ask through a socket.
"""

import os
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from services.child_process import ChildError
from services.embedded_kafka import EmbeddedKafka

_ADDRESS = "FORCEDFLOW_TEST_KAFKA"
_START, _STOP = b"start", b"stop"


class KafkaOnDemand(threading.Thread):
    """Answers ``start`` with the address of the run's broker, and ends it at the end.

    The broker dies with the thread that started it, so this one lives as long as the run.
    """

    def __init__(self) -> None:
        super().__init__(name="kafka-on-demand", daemon=True)
        self._directory = tempfile.TemporaryDirectory(prefix="forcedflow-kafka-")
        self._listener = socket.socket(socket.AF_UNIX)
        address = str(Path(self._directory.name) / "socket")
        self._listener.bind(address)
        self._listener.listen()
        os.environ[_ADDRESS] = address
        self._kafka: EmbeddedKafka | None = None

    def run(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if connection.recv(len(_START)) == _STOP:
                    break
                # Who asked may have run out of time; the broker is still everybody else's.
                with suppress(OSError):
                    connection.sendall(self._answer().encode())
        if self._kafka is not None:
            self._kafka.stop()

    def stop(self) -> None:
        _ask(_STOP)
        self.join()
        self._listener.close()
        self._directory.cleanup()

    def _answer(self) -> str:
        if self._kafka is None:
            kafka = EmbeddedKafka(Path(self._directory.name) / "kafka")
            try:
                kafka.start()
            except ChildError as error:
                return f"error: {error}"
            self._kafka = kafka
        return self._kafka.bootstrap


def shared_bootstrap() -> str:
    """Return the address of the run's broker, started if no test asked before."""
    answer = _ask(_START)
    if answer.startswith("error: "):
        raise ChildError(answer)
    return answer


def _ask(question: bytes) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[_ADDRESS])
        connection.sendall(question)
        return connection.makefile(encoding="utf-8").read()
