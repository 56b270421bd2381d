"""What has to be there before the stack's processes start: programs, ports, files."""

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from core.errors import ConfigError
from services.kafka_nodes import DEPLOYED as KAFKA_SETTINGS
from services.kafka_nodes import FULL_SPEED, SMALL, java_command, prepare
from services.scenario import write_scenario
from services.stack_layout import DEPLOYED, Layout, address
from services.stack_play import DAYS
from services.stack_settings import StackSection

_PACKAGES = {
    "redis-server": "redis-server",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
"""Debian packages by the program they bring."""
_DATA = ("kafka-*", "redis", "prometheus", "alertmanager", "market", "logs", "settings.json")
"""What a stack leaves in its folder."""


def faults(layout: Layout) -> list[str]:
    """Return what is missing or in the way, a line each."""
    missing = [package for program, package in _PACKAGES.items() if not shutil.which(program)]
    lines = []
    if missing:
        lines.append(
            f"expected Debian's {', '.join(missing)}; install with: "
            f"apt-get install --no-install-recommends {' '.join(missing)}"
        )
    taken = [port for port in layout.ports() if _is_taken(port.number)]
    lines += [
        f"{port.owner}: expected port {port.number} to be free, another program listens on it "
        f"(setting stack.{port.setting})"
        for port in taken
    ]
    if taken:
        variable = f"FORCEDFLOW_STACK__{taken[0].setting.upper()}"
        lines.append(
            "Debian's packages start servers of their own: systemctl disable --now "
            f"{' '.join(_PACKAGES.values())}; or choose other ports, such as {variable}="
            f"{taken[0].number + 10_000}"
        )
    return lines


def saved(home: Path) -> StackSection | None:
    """Return the settings with which the stack in a folder was last started, None if never.

    Raises
    ------
    ConfigError
        If they are of another release.
    """
    path = home / "settings.json"
    if not path.exists():
        return None
    try:
        return StackSection.model_validate_json(path.read_text())
    except ValueError as error:
        raise ConfigError(f"{path}: expected settings of this release: {error}") from error


def erase(home: Path) -> None:
    """Remove what a stack has left in its folder, and nothing else."""
    for pattern in _DATA:
        for path in home.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_files(layout: Layout) -> list[str]:
    """Write the market, all settings and Kafka's empty logs; return Kafka's Java command."""
    layout.home.mkdir(parents=True, exist_ok=True)
    # First, so that whatever comes to lie here is known to be of these settings.
    (layout.home / "settings.json").write_text(layout.settings.model_dump_json(indent=2))
    if layout.plays_market:
        _write_market(layout.market)
    (layout.home / "redis").mkdir(exist_ok=True)
    _write_prometheus(layout)
    java = java_command(KAFKA_SETTINGS, FULL_SPEED if len(layout.nodes) == 1 else SMALL)
    prepare(layout.nodes, settings=KAFKA_SETTINGS, java=java)
    return java


def _write_market(market: Path) -> None:
    if market.exists():
        return
    partial = market.with_name("market.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_scenario(partial, first=DAYS[0], last=DAYS[1])
    partial.rename(market)


def prometheus_files(layout: Layout) -> dict[str, list[dict[str, Any]]]:
    """Return the files beside prometheus.yml that say where everything is, by their names."""
    settings = layout.settings
    jobs = {
        "forcedflow-worker": layout.worker_ports(),
        "forcedflow-gateway": [settings.gateway_port],
        "forcedflow-alerter": layout.alerter_ports(),
        "prometheus": [settings.prometheus_port],
        "alertmanager": [settings.alertmanager_port],
    }
    groups = [{"targets": _addresses(ports), "labels": {"job": job}} for job, ports in jobs.items()]
    alertmanagers = [{"targets": _addresses([settings.alertmanager_port])}]
    return {"targets.yml": groups, "alertmanagers.yml": alertmanagers}


def _write_prometheus(layout: Layout) -> None:
    home = layout.home / "prometheus"
    home.mkdir(exist_ok=True)
    shutil.copyfile(DEPLOYED / "prometheus" / "prometheus.yml", home / "prometheus.yml")
    # Anew each time: a file that a release no longer has must not go on firing.
    shutil.rmtree(home / "rules", ignore_errors=True)
    shutil.copytree(DEPLOYED / "prometheus" / "rules", home / "rules")
    for name, groups in prometheus_files(layout).items():
        (home / name).write_text(yaml.safe_dump(groups))


def _addresses(ports: Sequence[int]) -> list[str]:
    return [address(port) for port in ports]


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do it: a connection that has just ended is not in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
