"""Debian's Alertmanager as a child process, paging a webhook receiver at once."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from services.child_process import ChildProcess, free_port

# No group wait and the shortest interval: what a test sees is what was pushed, not a timer.
CONFIG = """\
route:
  receiver: pager
  group_by: [alertname, family, side, scope, symbol]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: pager
    webhook_configs:
      - url: {url}
        send_resolved: true
"""
START_SECONDS = 60.0
ALONE = ("--cluster.listen-address=",)


class Reply(NamedTuple):
    """What it answered to a POST."""

    status: int
    body: str


class AlertmanagerServer:
    """One Alertmanager on a free loopback port; `kill` and `start` again empty its alerts.

    Its notification log lies in `directory` and survives, as it would in production. `config` is
    formatted with ``url``, the pager's; `options` say with whom it gossips, and `scheme` and
    `opener` how it is asked.
    """

    def __init__(
        self,
        directory: Path,
        webhook_url: str,
        *,
        config: str = CONFIG,
        options: Sequence[str] = ALONE,
        scheme: str = "http",
        opener: urllib.request.OpenerDirector | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "alertmanager.yml"
        path.write_text(config.format(url=webhook_url))
        self.port = free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._opener = opener or urllib.request.build_opener()
        self._notified = directory / "data" / "nflog"
        self.process = ChildProcess(
            "prometheus-alertmanager",
            [
                "prometheus-alertmanager",
                f"--config.file={path}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                *options,
                "--data.maintenance-interval=1s",
                "--log.level=debug",
            ],
            directory=directory,
            environment={"PATH": "/usr/bin:/bin"},
        )

    def start(self) -> None:
        self.begin()
        self.wait_until_ready()

    def begin(self) -> None:
        """Start it and do not wait: one that gossips first looks for its peers."""
        self.process.start()

    def wait_until_ready(self) -> None:
        self.process.wait_until(self._is_ready, timeout_seconds=START_SECONDS)

    def stop(self) -> None:
        """End it in order, so that it writes down whom it has notified."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def pause(self) -> None:
        """Freeze it: it keeps its connections and does not answer."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts it holds now, as its API shows them."""
        with self._opener.open(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def members(self) -> int:
        """Return how many it counts in its cluster, itself among them; 0 if it is alone."""
        with self._opener.open(f"{self.url}/api/v2/status", timeout=5) as answer:
            return len(json.load(answer)["cluster"]["peers"])

    def notified(self) -> bytes:
        """Return what it has written down of whom it notified."""
        return self._notified.read_bytes() if self._notified.exists() else b""

    def notified_version(self) -> tuple[int, int]:
        """Return what tells one writing of whom it notified from the next."""
        try:
            found = self._notified.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def post(self, path: str, body: object, *, content_type: str = "application/json") -> Reply:
        """POST `body` as JSON to `path` of its API, and return what it says, good or bad."""
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.url}/api/v2/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": content_type},
        )
        return self._reply(request)

    def delete(self, path: str) -> Reply:
        """DELETE `path` of its API."""
        return self._reply(urllib.request.Request(f"{self.url}/api/v2/{path}", method="DELETE"))  # noqa: S310  loopback

    def flushes(self, group: Mapping[str, str], *, resolved: bool = False) -> int:
        """Return how often it has looked whether a group of these labels has something to tell.

        The groups of one route are told apart by their labels alone; with `resolved`, only the
        times are counted at which something in it had resolved.
        """
        labels = ", ".join(f'{name}=\\"{value}\\"' for name, value in sorted(group.items()))
        lines = self.process.log_file.read_text(errors="replace").splitlines()
        return sum(
            "msg=flushing" in line
            and f":{{{labels}}}" in line
            and (not resolved or "[resolved]" in line)
            for line in lines
        )

    def _reply(self, request: urllib.request.Request) -> Reply:
        try:
            with self._opener.open(request, timeout=10) as answer:
                return Reply(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read().decode())

    def _is_ready(self) -> bool:
        try:
            with self._opener.open(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.stop()
