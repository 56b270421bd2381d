"""Debian's Prometheus as a child process, which judges one rule."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry, Gauge

from services.child_process import ChildProcess, free_port
from services.exposition import Exposition

GAUGE = "forcedflow_test_signal"
RULE = "TestSignal"
EXPRESSION = f"last_over_time({GAUGE}[5m]) > 0"
"""Scrapes that come late are lost, two in a row too: that must not end what fires."""
EVALUATION_SECONDS = 0.5
RESEND_SECONDS = 4.0
LEASE_SECONDS = 4 * RESEND_SECONDS
"""Alertmanager ends what was not sent again for so long, as Prometheus tells it.

Who was killed needs half of it: it is started a second later, finds its Alertmanager five seconds
after that, and sends again what it sent in vain with the next resend.
"""


class SignalGauges:
    """A page of metrics with a gauge of each symbol: 1 while it breaches, else 0."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._gauge = Gauge(GAUGE, "Breaches or not.", ["symbol"], registry=registry)
        self._exposition = Exposition(registry, port=free_port())

    @property
    def target(self) -> str:
        """Where it is scraped."""
        return f"127.0.0.1:{self._exposition.port}"

    def signal(self, symbol: str, *, breaches: bool) -> None:
        """Show that a symbol breaches, or does not, from now on."""
        self._gauge.labels(symbol).set(breaches)

    def close(self) -> None:
        self._exposition.close()


class RuleServer:
    """One Prometheus on a free loopback port; its data survive its process.

    Parameters
    ----------
    target, alertmanager : str     what it scrapes and whom it tells, as host:port
    expression : str               what fires, by default each gauge of `SignalGauges` that was
                                   up when last scraped
    interval_seconds : float       from scrape to scrape, and from evaluation to evaluation

    Attributes
    ----------
    process : ChildProcess     not started
    """

    def __init__(
        self,
        directory: Path,
        *,
        target: str,
        alertmanager: str,
        expression: str = EXPRESSION,
        interval_seconds: float = EVALUATION_SECONDS,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(_config(target, alertmanager, interval_seconds)))
        (directory / "rules.yml").write_text(yaml.safe_dump(_rules(expression)))
        self.port = free_port()
        self.process = ChildProcess(
            "prometheus",
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--rules.alert.resend-delay={_duration(RESEND_SECONDS)}",
            ],
            directory=directory,
            environment={"PATH": "/usr/bin:/bin"},
        )

    def is_at_work(self) -> bool:
        """Say whether it has scraped its target and knows whom to tell.

        It looks for both five seconds after it was started.
        """
        try:
            scraped = self._ask(f"query?query=count({GAUGE})")["result"]
            told = self._ask("alertmanagers")["activeAlertmanagers"]
        except OSError:
            return False
        return bool(scraped and told)

    def _ask(self, path: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
        return found


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _config(target: str, alertmanager: str, interval_seconds: float) -> dict[str, object]:
    interval = _duration(interval_seconds)
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "signals", "static_configs": [{"targets": [target]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
    }


def _rules(expression: str) -> dict[str, object]:
    rule = {"alert": RULE, "expr": expression, "labels": {"family": "test", "side": "buy"}}
    return {"groups": [{"name": "signals", "rules": [rule]}]}
