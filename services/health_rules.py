"""What rules on the health of the service are made of; `services.health_catalogue` has them.

Severities: ``page``, somebody has to act now, in session; ``ticket``, somebody has to act on the
next working day, nothing is lost until then; ``none``, a signal for machines. The market's own
alerts, which the alerter pushes, have other ones (watch, warning, critical), other names and other
labels: no rule here may ever own an alert that is pushed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FAMILY = "service-health"
"""Label ``family`` of every alert that Prometheus raises."""
EVALUATION_SECONDS = 5
"""Interval of every group whose rules count samples, and of the scrapes."""
SAMPLE_LIMIT = 200_000
"""Samples above which Prometheus refuses a scrape (deploy/prometheus/prometheus.yml)."""

Severity = Literal["page", "ticket", "none"]

IN_SESSION = "and on() forcedflow:market_session_open:max == 1"
"""Ends an expression that matters in session alone."""


@dataclass(frozen=True)
class Record:
    """A recording rule; ``help`` says what its figure is."""

    name: str
    expr: str
    help: str


@dataclass(frozen=True)
class Alert:
    """An alerting rule; its runbook has its name.

    Attributes
    ----------
    name : str             alertname
    severity : Severity
    expr : str             PromQL; one failed scrape must not change what it says
    summary : str          one line, at most 120 characters once its template is filled in
    description : str      what it means and what to do first; without templates
    wait, hold : str       `for` and `keep_firing_for`, "" for none
    labels : Mapping       further labels
    """

    name: str
    severity: Severity
    expr: str
    summary: str
    description: str
    wait: str = ""
    hold: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other, every ``seconds``."""

    name: str
    rules: tuple[Record | Alert, ...]
    seconds: int = EVALUATION_SECONDS
