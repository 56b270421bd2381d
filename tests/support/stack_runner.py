"""``forcedflow stack`` as an operator runs it, in a folder and on ports of a test's own."""

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from services.child_process import keep_port
from services.marked_processes import end, processes_of
from services.stack import START_SECONDS
from services.stack_layout import Layout
from services.stack_settings import StackSection
from services.supervisor import State, Supervisor

UP_SECONDS = START_SECONDS + 60.0
"""Longest start, the writing of the market before it included."""
_PORT_SETTINGS = [name for name in StackSection.model_fields if name.endswith("_port")]
_PORTS = range(20_000, 31_000)


class StackRunner:
    """One stack; whatever of it runs ends with the block."""

    def __init__(self, directory: Path, **settings: object) -> None:
        self.home = directory / "stack"
        self.settings = StackSection.model_validate(
            {"directory": self.home} | settings | free_ports(settings)
        )
        self.layout = Layout(self.settings)
        self.supervisor = Supervisor(self.home)
        self._folder = directory

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of the commands of ``forcedflow stack`` with this stack's settings."""
        told = self.settings.model_dump(mode="json", exclude_none=True)
        environment = {f"FORCEDFLOW_STACK__{name.upper()}": str(it) for name, it in told.items()}
        return subprocess.run(
            [sys.executable, "-m", "services", "stack", *words],
            cwd=self._folder,
            env=os.environ | environment | variables,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )

    def up(self, *words: str) -> str:
        """Start it; return what it said."""
        run = self.run("up", *words)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def is_well(self) -> bool:
        """Say whether the stack says so."""
        return self.run("status").returncode == 0

    def state(self, name: str) -> State:
        """Return what the supervisor says of a process."""
        return self.supervisor.states()[name]

    def is_new(self, name: str, old_pid: int) -> bool:
        """Say whether another process than that of an id runs under a name."""
        state = self.state(name)
        return state.name == "RUNNING" and state.pid != old_pid

    def processes(self) -> dict[int, str]:
        """Return the command line of each of its processes."""
        return processes_of(self.home)

    def targets(self) -> dict[str, int]:
        """Return how many targets of each job Prometheus reaches."""
        found = _asked(self.settings.prometheus_port, "/api/v1/query?query=up==1")
        jobs = [series["metric"]["job"] for series in found["data"]["result"]] if found else []
        return {job: jobs.count(job) for job in jobs}

    def recorded(self) -> set[str]:
        """Return the names of what Prometheus' rules have recorded."""
        found = _asked(self.settings.prometheus_port, "/api/v1/label/__name__/values")
        return {name for name in found["data"] if ":" in name} if found else set()

    def firing(self) -> set[str]:
        """Return the names of the alerts that Alertmanager holds."""
        found = _asked(self.settings.alertmanager_port, "/api/v2/alerts")
        return {alert["labels"]["alertname"] for alert in found or ()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end(self.home, grace_seconds=0.0)


def _asked(port: int, path: str) -> Any:  # noqa: ANN401  JSON
    """Return what a server answers, None while it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def free_ports(settings: Mapping[str, object]) -> dict[str, int]:
    """Return a value for each setting of a port, so that none of the stack's is taken."""
    while True:
        chosen = {name: _PORTS[secrets.randbelow(len(_PORTS))] for name in _PORT_SETTINGS}
        section = StackSection.model_validate({**settings, **chosen})
        numbers = [port.number for port in Layout(section).ports()]
        if all(keep_port(number) for number in numbers):
            return chosen
