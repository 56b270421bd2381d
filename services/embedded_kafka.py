"""A real Apache Kafka as child processes: loopback only, nothing installed beforehand.

Its settings are those of deploy/kafka, except for the addresses and the folders.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from services.child_process import ChildProcess, free_port
from services.clock import Clock
from services.kafka_nodes import (
    DEPLOYED,
    QUICK_START,
    SMALL,
    KafkaNode,
    bootstrap_of,
    java_command,
    prepare,
)

_START_SECONDS = 60.0


class KafkaProcess(ChildProcess):
    """One of several nodes; `start` again after `stop` or `kill` finds its data and its port.

    Parameters
    ----------
    node : this one
    nodes : all of them, this one included
    java_flags : such as `QUICK_START`
    settings : folder with the files of deploy/kafka
    """

    def __init__(
        self,
        node: KafkaNode,
        nodes: Sequence[KafkaNode],
        *,
        java_flags: tuple[str, ...],
        settings: Path,
        clock: Clock | None,
    ) -> None:
        super().__init__("kafka", [], directory=node.directory, clock=clock)
        self.node = node
        self._nodes = nodes
        self._java_flags = java_flags
        self._settings = settings.resolve()

    def start(self) -> None:
        """Start the node and wait until it answers and is one of the cluster's brokers.

        Raises
        ------
        ChildError
            when a jar is not the one locked, or the node does not answer; with its log's end.
        """
        self.launch()
        self.wait_for_brokers({self.node.number})

    def launch(self) -> None:
        """Start the node and return at once."""
        java = java_command(self._settings, self._java_flags)
        prepare(self._nodes, settings=self._settings, java=java)
        self.command = [*java, "kafka.Kafka", str(self.node.properties)]
        super().start()

    def wait_for_brokers(self, numbers: set[int]) -> None:
        """Wait until the node answers that it sees these brokers.

        Raises
        ------
        ChildError
            when it does not; with its log's end.
        """
        self.wait_until(lambda: numbers <= self.node.brokers_seen(), timeout_seconds=_START_SECONDS)


class EmbeddedKafka(KafkaProcess):
    """A lone broker whose data lie in `directory`; ``bootstrap`` is its address.

    Its port is chosen when it is made and stays, so that a broker started again after `stop` or
    `kill` is the same one to its clients, with the data it had.

    Parameters
    ----------
    directory : data, settings and log; another run's data are taken up again
    java_flags : `QUICK_START` or `FULL_SPEED`
    settings : folder with the files of deploy/kafka
    """

    def __init__(
        self,
        directory: Path,
        *,
        java_flags: tuple[str, ...] = QUICK_START,
        settings: Path = DEPLOYED,
        clock: Clock | None = None,
    ) -> None:
        node = KafkaNode(1, directory.resolve(), free_port(), free_port())
        super().__init__(node, [node], java_flags=java_flags, settings=settings, clock=clock)
        self.bootstrap = node.address


class EmbeddedKafkaCluster:
    """Three nodes, or `size`: each may be killed, paused and started again by itself.

    ``bootstrap`` lists them all; topics need replication 3 to outlive the loss of one.

    Parameters
    ----------
    directory : a folder for each node is made in it
    """

    def __init__(
        self,
        directory: Path,
        *,
        size: int = 3,
        settings: Path = DEPLOYED,
        clock: Clock | None = None,
    ) -> None:
        home = directory.resolve()
        nodes = [
            KafkaNode(number, home / f"kafka-{number}", free_port(), free_port())
            for number in range(1, size + 1)
        ]
        self.bootstrap = bootstrap_of(nodes)
        self.brokers = tuple(
            KafkaProcess(node, nodes, java_flags=SMALL, settings=settings, clock=clock)
            for node in nodes
        )

    def start(self) -> None:
        """Start all and wait until each sees all others.

        Raises
        ------
        ChildError
            when one does not answer; the others are then ended.
        """
        with ExitStack() as started:
            for broker in self.brokers:
                broker.launch()
                started.callback(broker.kill)
            for broker in self.brokers:
                broker.wait_for_brokers({each.node.number for each in self.brokers})
            started.pop_all()

    def kill(self) -> None:
        """End all at once, paused ones too; in order the last would wait for a quorum."""
        for broker in self.brokers:
            broker.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
