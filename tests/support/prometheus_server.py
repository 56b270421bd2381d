"""Debian's Prometheus as a child process, asked as Grafana asks it."""

import json
import math
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from services.child_process import ChildProcess, free_port

START_SECONDS = 60.0
STEP_SECONDS = 1
Series = list[tuple[dict[str, str], list[tuple[float, float]]]]
"""Labels and (time, value) of each series."""


class PrometheusServer:
    """One Prometheus on a free loopback port that scrapes each second.

    ``targets`` are ports on loopback by job; ``rules`` is a folder of rules files.
    """

    def __init__(
        self, directory: Path, targets: Mapping[str, Sequence[int]], *, rules: Path | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config: dict[str, Any] = {
            "global": {"scrape_interval": f"{STEP_SECONDS}s", "evaluation_interval": "1s"},
            "rule_files": [] if rules is None else [f"{rules}/*.yml"],
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
                }
                for job, ports in targets.items()
            ],
        }
        path = directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self.process = ChildProcess(
            "prometheus",
            [
                "prometheus",
                f"--config.file={path}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            directory=directory,
            environment={"PATH": "/usr/bin:/bin"},
        )

    def range(self, expr: str, start: float, end: float) -> Series:
        """Return what a query gives at each second from `start` to `end`, seconds since 1970."""
        words = {"query": expr, "start": start, "end": end, "step": STEP_SECONDS}
        return [
            (series["metric"], [(at, float(value)) for at, value in series["values"]])
            for series in self._ask("query_range", words)
        ]

    def labels(self, expr: str) -> list[dict[str, str]]:
        """Return the labels of each series that a query gives now."""
        return [series["metric"] for series in self._ask("query", {"query": expr})]

    def _ask(self, path: str, words: Mapping[str, object]) -> list[dict[str, Any]]:
        body = urllib.parse.urlencode(words).encode()
        url = f"{self.url}/api/v1/{path}"
        with urllib.request.urlopen(url, data=body, timeout=10) as answer:  # noqa: S310  loopback
            document = json.load(answer)
        assert document["status"] == "success", document
        assert not document.get("warnings"), document
        found: list[dict[str, Any]] = document["data"]["result"]
        return found

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_until(self._is_ready, timeout_seconds=START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False


def is_finite(series: Series) -> bool:
    """Say whether every value is a number."""
    return all(math.isfinite(value) for _, points in series for _, value in points)
