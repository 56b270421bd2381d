"""The processes of the local stack: what an operator would have supervised, and how."""

import shlex
import sys
from collections.abc import Sequence

from services.alert_links import replay_files
from services.stack_layout import DEPLOYED, Layout, address
from services.supervisor import Program

_LAUNCH = (sys.executable, "-m", "services")
_BROKEN = (2,)
"""Exit code of our processes on broken settings: starting again would not mend them."""
_PLAYED = (0, 2, 3)
"""Exit codes of a gateway that a new start would not help; 0: it has played to the end."""


def servers(layout: Layout, java: Sequence[str]) -> list[Program]:
    """Return Kafka, Redis and Alertmanager; `java` runs Kafka's classes."""
    kafka = [
        Program(
            f"kafka-{node.number}",
            "kafka",
            (*java, "kafka.Kafka", str(node.properties)),
            is_first=True,
            grace_seconds=20,
        )
        for node in layout.nodes
    ]
    return [*kafka, _redis(layout), _alertmanager(layout)]


def services(layout: Layout) -> list[Program]:
    """Return our own processes."""
    shared = ("--kafka-bootstrap", layout.bootstrap, "--redis-url", layout.redis_url)
    workers = [
        # Under a name of its own a restarted worker gets its partitions back at once.
        _service(f"worker-{n}", ("worker", *shared, "--instance-id", f"worker-{n}"), port)
        for n, port in enumerate(layout.worker_ports(), 1)
    ]
    told = ["--rules", str(layout.rules), "--alertmanager", layout.alertmanager_url]
    if layout.plays_market:
        told.append(f"--replay-files={replay_files(layout.market)}")
    alerters = [
        _service(f"alerter-{n}", ("alerter", *shared, *told), port)
        for n, port in enumerate(layout.alerter_ports(), 1)
    ]
    return [*workers, _gateway(layout), *alerters]


def gateway_command(layout: Layout, *words: str) -> tuple[str, ...]:
    """Return the gateway with its addresses; `words` say what it reads."""
    kafka = ("--kafka-bootstrap", layout.bootstrap)
    port = ("--metrics-port", str(layout.settings.gateway_port))
    return (*_LAUNCH, "gateway", *kafka, *port, *words)


def _gateway(layout: Layout) -> Program:
    play = (*_LAUNCH, "stack", "play", "--directory", str(layout.home))
    feed = gateway_command(layout, *shlex.split(layout.settings.feed))
    command = play if layout.plays_market else feed
    return Program("gateway", "gateway", command, ends_with=_PLAYED)


def _service(name: str, words: Sequence[str], port: int) -> Program:
    command = (*_LAUNCH, *words, "--metrics-port", str(port))
    return Program(name, name.partition("-")[0], command, ends_with=_BROKEN)


def _redis(layout: Layout) -> Program:
    own = {
        "--port": str(layout.settings.redis_port),
        "--dir": str(layout.home / "redis"),
        # A title would overwrite the environment, by which the stack knows its processes.
        "--set-proc-title": "no",
    }
    words = [word for option in own.items() for word in option]
    command = ("redis-server", str(DEPLOYED / "redis" / "redis.conf"), *words)
    return Program("redis", "redis", command, is_first=True)


def _alertmanager(layout: Layout) -> Program:
    command = (
        "prometheus-alertmanager",
        f"--config.file={DEPLOYED / 'alertmanager' / 'alertmanager.yml'}",
        f"--storage.path={layout.home / 'alertmanager'}",
        f"--web.listen-address={address(layout.settings.alertmanager_port)}",
        # Alone: no gossip, which would listen on every address.
        "--cluster.listen-address=",
        # What was notified before a crash is not notified again after it.
        "--data.maintenance-interval=15s",
    )
    return Program("alertmanager", "alertmanager", command, is_first=True)


def prometheus(layout: Layout) -> Program:
    """Return who watches the others; it begins last, or it would page of what is still to come."""
    home = layout.home / "prometheus"
    command = (
        "prometheus",
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address={address(layout.settings.prometheus_port)}",
    )
    return Program("prometheus", "prometheus", command)
