"""The local stack's folders and addresses, as its settings have them."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from core.errors import ConfigError
from services.kafka_nodes import KafkaNode, bootstrap_of
from services.stack_settings import StackSection

DEPLOYED = Path(__file__).resolve().parent.parent / "deploy"
_NODE_STEP = 100
_ALERTERS = 2
"""One is active, the other takes over."""
_LARGEST_PORT = 65_535


class Port(NamedTuple):
    """A port, whose it is, and the setting that chooses it."""

    owner: str
    number: int
    setting: str


class Layout:
    """Where everything of a stack is; all paths are absolute, ``home`` is its folder."""

    def __init__(self, settings: StackSection) -> None:
        named = {"directory": settings.directory, "universe": settings.universe}
        named |= {"rules": settings.rules}
        paths = {name: path.resolve() for name, path in named.items() if path is not None}
        self.settings = settings.model_copy(update=paths)
        self.home = self.settings.directory
        self.nodes = tuple(
            KafkaNode(
                number,
                self.home / f"kafka-{number}",
                settings.kafka_port + (number - 1) * _NODE_STEP,
                settings.kafka_controller_port + (number - 1) * _NODE_STEP,
            )
            for number in range(1, settings.nodes + 1)
        )
        self.bootstrap = bootstrap_of(self.nodes)
        self.redis_url = f"redis://{address(settings.redis_port)}/0"
        self.alertmanager_url = settings.alertmanager_url

    @property
    def logs(self) -> Path:
        """Folder of one log a process."""
        return self.home / "logs"

    @property
    def market(self) -> Path:
        """Folder of the bundled market."""
        return self.home / "market"

    @property
    def plays_market(self) -> bool:
        """Whether the gateway plays the bundled market, not a feed of the operator's."""
        return not self.settings.feed

    @property
    def universe(self) -> Path:
        """Folder of the universe that all processes share."""
        return self.settings.universe or self.market / "universe"

    @property
    def rules(self) -> Path:
        """The alert rules."""
        return self.settings.rules or self.market / "rules.yaml"

    def ports(self) -> list[Port]:
        """Return every port that the stack listens on.

        Raises
        ------
        ConfigError
            If two are the same or one is not a port.
        """
        ports = [Port(f"kafka-{node.number}", node.port, "kafka_port") for node in self.nodes]
        ports += [
            Port(f"kafka-{node.number}'s controller", node.controller_port, "kafka_controller_port")
            for node in self.nodes
        ]
        ports += [
            Port(f"worker-{n}", port, "worker_port")
            for n, port in enumerate(self.worker_ports(), 1)
        ]
        ports += [
            Port(f"alerter-{n}", port, "alerter_port")
            for n, port in enumerate(self.alerter_ports(), 1)
        ]
        for name in ("redis", "alertmanager", "prometheus", "gateway"):
            setting = f"{name}_port"
            ports.append(Port(name, getattr(self.settings, setting), setting))
        uses = Counter(port.number for port in ports)
        faults = [
            f"setting stack.{port.setting}: expected a port of its own for {port.owner}, up to "
            f"{_LARGEST_PORT}, it was {port.number}"
            for port in ports
            if uses[port.number] > 1 or port.number > _LARGEST_PORT
        ]
        if faults:
            raise ConfigError("\n".join(faults))
        return ports

    def address_of(self, name: str) -> str:
        """Return host and port on which a process is asked how it is."""
        return address(next(port.number for port in self.ports() if port.owner == name))

    def alerter_ports(self) -> list[int]:
        """Return the port of each alerter's /metrics."""
        first = self.settings.alerter_port
        return list(range(first, first + _ALERTERS))

    def worker_ports(self) -> list[int]:
        """Return the port of each worker's /metrics."""
        first = self.settings.worker_port
        return list(range(first, first + self.settings.workers))


def address(port: int) -> str:
    """Return host and port on loopback."""
    return f"127.0.0.1:{port}"
