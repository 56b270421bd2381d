"""The rules on the service's health as Prometheus reads them; always the same text."""

from typing import Any

import yaml

from services.health_catalogue import FILES
from services.health_rules import FAMILY, Alert, Group, Record

RUNBOOKS = "docs/runbooks"
"""Where the runbooks are, from the project's root; a site of one's own is given to `render`."""

_HEAD = "# Made by `forcedflow rules render`; what is changed here is gone with the next one.\n"
_WIDTH = 100


def render(runbooks: str = RUNBOOKS) -> dict[str, str]:
    """Return the text of each file by its name; ``runbooks`` is what precedes a runbook's name."""
    return {name: _HEAD + _yaml(_file(groups, runbooks)) for name, groups in FILES.items()}


def runbook_url(alert: str, runbooks: str = RUNBOOKS) -> str:
    """Return where the runbook of an alert is."""
    return f"{runbooks.rstrip('/')}/{alert}.md"


def _file(groups: tuple[Group, ...], runbooks: str) -> dict[str, Any]:
    return {
        "groups": [
            {
                "name": group.name,
                "interval": f"{group.seconds}s",
                "rules": [_rule(rule, runbooks) for rule in group.rules],
            }
            for group in groups
        ]
    }


def _rule(rule: Record | Alert, runbooks: str) -> dict[str, Any]:
    if isinstance(rule, Record):
        return {"record": rule.name, "expr": rule.expr}
    times = {"for": rule.wait, "keep_firing_for": rule.hold}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **{name: time for name, time in times.items() if time},
        "labels": {"severity": rule.severity, "family": FAMILY, **rule.labels},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": runbook_url(rule.name, runbooks),
        },
    }


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=_WIDTH)
