"""Debian's Alertmanager as a child process, paging a webhook receiver at once."""

import json
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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
START_SECONDS = 20.0


class AlertmanagerServer:
    """One Alertmanager on a free loopback port; `kill` and `start` again empty its alerts.

    Its notification log lies in `directory` and survives, as it would in production.
    """

    def __init__(self, directory: Path, webhook_url: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "alertmanager.yml"
        config.write_text(CONFIG.format(url=webhook_url))
        self.port = free_port()
        self._child = ChildProcess(
            "prometheus-alertmanager",
            [
                "prometheus-alertmanager",
                f"--config.file={config}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
                "--data.maintenance-interval=1s",
                "--log.level=debug",
            ],
            directory=directory,
            environment={"PATH": "/usr/bin:/bin"},
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._child.start()
        self._child.wait_until(self._is_ready, timeout_seconds=START_SECONDS)

    def stop(self) -> None:
        """End it in order, so that it writes down whom it has notified."""
        self._child.stop()

    def pause(self) -> None:
        """Freeze it: it keeps its connections and does not answer."""
        self._child.pause()

    def resume(self) -> None:
        self._child.resume()

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts it holds now, as its API shows them."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:  # noqa: S310
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:  # noqa: S310
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
        self._child.stop()
