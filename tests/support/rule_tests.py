"""Rules tested by promtool: a service that is well, what happens to it, and which alerts fire.

Series are lists of values, one each scrape of five seconds. A scrape that fails makes every series
of its target stale and `up` 0, as Prometheus does it.
"""

import math
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from services.health_rules import Alert

SCRAPE = 5
LENGTH = 420
"""Seconds that a series lasts where nothing else is said."""
Values = Sequence[float]
Series = Mapping[str, Values]


def steady(value: float, seconds: int = LENGTH) -> list[float]:
    """Return the same value at each scrape."""
    return [value] * (seconds // SCRAPE + 1)


def clock(*, until: int = LENGTH, seconds: int = LENGTH) -> list[float]:
    """Return the time of each scrape, which stands still from `until` on."""
    return [float(min(time, until)) for time in range(0, seconds + 1, SCRAPE)]


def counting(
    rate: float, *, since: int = 0, until: int = LENGTH, seconds: int = LENGTH
) -> list[float]:
    """Return a count that grows by `rate` a second from `since` to `until`."""
    return [rate * (min(max(time, since), until) - since) for time in range(0, seconds + 1, SCRAPE)]


def changing(before: float, after: float, *, at: int, seconds: int = LENGTH) -> list[float]:
    """Return a value that is another one from `at` on."""
    return [before if time < at else after for time in range(0, seconds + 1, SCRAPE)]


@dataclass(frozen=True)
class Case:
    """One alert: what makes it fire, by which time, with what to say; and what nearly does.

    ``fires`` and ``near`` replace series of a healthy service, or add some. ``labels`` are those
    besides alertname, severity and family; ``also`` are labels and summaries of alerts of the same
    name that fire as well.
    """

    alert: str
    fires: Series
    near: Series
    at: int
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)
    also: Sequence[tuple[Mapping[str, str], str]] = ()


def group(
    name: str,
    series: Series,
    checks: Mapping[str, Any],
    *,
    seconds: int = LENGTH,
    failed: Sequence[int] = (),
) -> dict[str, Any]:
    """Return a test group in promtool's layout, so long; scrapes at the seconds `failed` fail."""
    scrapes = seconds // SCRAPE + 1
    return {
        "name": name,
        "interval": f"{SCRAPE}s",
        "input_series": [
            {"series": each, "values": _notation(each, values[:scrapes], failed)}
            for each, values in series.items()
        ],
        **checks,
    }


def fires(case: Case, rule_of: Callable[[str, Mapping[str, str]], Alert]) -> dict[str, Any]:
    """Return the check that an alert fires, with its labels and texts."""
    expected = []
    for labels, summary in ((case.labels, case.summary), *case.also):
        rule = rule_of(case.alert, labels)
        own = {"severity": rule.severity, "family": "service-health"}
        texts = {
            "summary": summary,
            "description": rule.description,
            "runbook_url": f"docs/runbooks/{case.alert}.md",
        }
        expected.append({"exp_labels": {**own, **labels}, "exp_annotations": texts})
    check = {"eval_time": f"{case.at}s", "alertname": case.alert, "exp_alerts": expected}
    return {"alert_rule_test": [check]}


def firing(selector: str, counts: Mapping[int, int]) -> dict[str, Any]:
    """Return the check of how many alerts of a selector fire at some seconds."""
    return {
        "promql_expr_test": [
            {
                "expr": f"count(ALERTS{{{selector}}}) or vector(0)",
                "eval_time": f"{time}s",
                "exp_samples": [{"labels": "{}", "value": count}],
            }
            for time, count in counts.items()
        ]
    }


def run(folder: Path, rules: Sequence[Path], groups: Sequence[Mapping[str, Any]]) -> str:
    """Return what promtool says of test groups, "" if all hold."""
    document = {
        "rule_files": [str(path) for path in rules],
        "evaluation_interval": f"{SCRAPE}s",
        "group_eval_order": [
            each["name"]
            for path in rules
            for each in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        ],
        "tests": list(groups),
    }
    path = folder / "rules-test.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    command = [shutil.which("promtool") or "promtool", "test", "rules", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def _notation(series: str, values: Values, failed: Sequence[int]) -> str:
    lost = "0" if series.startswith("up{") else "stale"
    return " ".join(
        lost if number * SCRAPE in failed else _figure(value) for number, value in enumerate(values)
    )


def _figure(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf"
    return f"{value:.10g}"
