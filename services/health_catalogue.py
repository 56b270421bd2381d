"""All rules on the health of the service, by the file that they are rendered to."""

from collections.abc import Iterator

from services.health_alerter_alerts import ALERTERS, DELIVERY, PROCESSES
from services.health_budgets import BUDGETS
from services.health_data_alerts import COMPLETENESS, FEEDS, WORKERS
from services.health_records import STATE
from services.health_rules import Alert, Group, Record

FILES: dict[str, tuple[Group, ...]] = {
    "forcedflow-state.yml": (STATE,),
    "forcedflow-health.yml": (PROCESSES, ALERTERS, DELIVERY, COMPLETENESS, FEEDS, WORKERS),
    "forcedflow-budgets.yml": BUDGETS,
}
"""Prometheus loads files, and evaluates groups, in no promised order: a figure that one group
records and another reads may be an interval old."""


def groups() -> Iterator[Group]:
    """Yield every group."""
    for found in FILES.values():
        yield from found


def alerts() -> Iterator[Alert]:
    """Yield every alerting rule; those of one name share a runbook."""
    for group in groups():
        yield from (rule for rule in group.rules if isinstance(rule, Alert))


def records() -> Iterator[Record]:
    """Yield every recording rule."""
    for group in groups():
        yield from (rule for rule in group.rules if isinstance(rule, Record))
