"""Alerts as anybody could post them to Alertmanager, right or wrong."""

from collections.abc import Mapping

from services.alert_messages import host_time_text
from services.clock import SystemClock

CLOCK = SystemClock()
_SECOND_NS = 1_000_000_000


def at(seconds: float) -> str:
    """Return the time so many seconds from now, as RFC 3339 in UTC."""
    return host_time_text(CLOCK.now_ns() + round(seconds * _SECOND_NS))


def firing(
    name: str, *, began: float = 0.0, ends: float = 300.0, text: str = "", **labels: str
) -> dict[str, object]:
    """Return an alert that began and will end so many seconds from now."""
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": text} if text else {},
        "startsAt": at(began),
        "endsAt": at(ends),
    }


def resolved(name: str, *, began: float = -1.0, **labels: str) -> dict[str, object]:
    """Return an alert that has just ended."""
    return firing(name, began=began, ends=-0.001, **labels)


def without(alert: Mapping[str, object], *fields: str) -> dict[str, object]:
    """Return the alert without some of its fields."""
    return {name: value for name, value in alert.items() if name not in fields}
