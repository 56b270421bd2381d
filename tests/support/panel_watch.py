"""Every query of the dashboards, asked of a Prometheus that scrapes the service at work."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, time

from services.child_process import ChildProcess
from tests.support.dashboards import PanelQuery
from tests.support.prometheus_server import PrometheusServer, Series, is_finite

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules"
_SPAN_SECONDS = 60.0
_TRIES = 4
"""More of them for what is late: the machine may have had something else to do."""


class PanelWatch:
    """Asks what Grafana would ask, about the last minute."""

    def __init__(self, prometheus: PrometheusServer) -> None:
        self._began = time()
        self._prometheus = prometheus
        self._focus = ""

    def find_focus(self) -> bool:
        """Choose the reference that the dashboards focus on: one that has figures of each kind."""
        wanted = ("creation_redemption_usd", "dealer_hedge_usd", "breach_threshold_usd")
        named = " and on (symbol) ".join(f"forcedflow_{column}" for column in wanted)
        found = self._prometheus.labels(f"topk(1, abs({named}))")
        self._focus = found[0]["symbol"] if found else ""
        return bool(found)

    def ask(self, query: PanelQuery) -> Series:
        """Return what Prometheus answers."""
        now = time()
        span = min(_SPAN_SECONDS, now - self._began)
        values = dict.fromkeys(("symbol", "room", "venue"), ".+") | {"focus": self._focus}
        values |= {"__rate_interval": "4s", "__range": f"{max(round(span), 1)}s"}
        return self._prometheus.range(query.filled(**values), now - span, now)

    def faults(self, queries: Sequence[PanelQuery], *, longest_seconds: float) -> list[str]:
        """Return a line for each answer that is no number somewhere, or comes late each time."""
        found = []
        for query in queries:
            series, seconds = self._timed(query)
            is_late = seconds > longest_seconds
            if is_late and all(self._timed(query)[1] > longest_seconds for _ in range(_TRIES)):
                found.append(f"{query}: expected an answer within {longest_seconds:g} s")
            if not is_finite(series):
                found.append(f"{query}: expected numbers")
        return found

    def _timed(self, query: PanelQuery) -> tuple[Series, float]:
        started = perf_counter()
        series = self.ask(query)
        return series, perf_counter() - started


def targets_of(children: Sequence[ChildProcess], *, alertmanager: int) -> dict[str, list[int]]:
    """Return the ports of /metrics by job, as the deployed settings name the jobs."""
    ours = {
        f"forcedflow-{child.name}": [int(child.command[child.command.index("--metrics-port") + 1])]
        for child in children
    }
    return ours | {"alertmanager": [alertmanager]}
