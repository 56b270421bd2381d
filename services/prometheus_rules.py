"""Checks of rules files for Prometheus: what they ask for exists, and Prometheus takes them."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from services.health_catalogue import records
from streams.metric import Metric
from streams.metric_catalogue import SECTIONS

_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_OURS = re.compile(r"\bforcedflow[_:][a-zA-Z0-9_:]*")
_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
_SECONDS = 30

Groups = Sequence[Mapping[str, Any]]
"""Groups of rules as they are written."""


def sample_names(metric: Metric) -> tuple[str, ...]:
    """Return the names under which Prometheus has a metric."""
    return tuple(metric.name + suffix for suffix in _SUFFIXES[metric.kind])


def known_names() -> set[str]:
    """Return the names of all that our processes export and our rules record."""
    metrics = (metric for section in SECTIONS.values() for metric in section)
    exported = {name for metric in metrics for name in sample_names(metric)}
    return exported | {record.name for record in records()}


def read_groups(path: Path) -> Groups | None:
    """Return the groups of a rules file for Prometheus, None for whatever is no such file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    groups = document.get("groups") if isinstance(document, dict) else None
    is_one = isinstance(groups, list) and all(isinstance(group, dict) for group in groups)
    return groups if is_one else None


def rules_of(groups: Groups) -> list[Mapping[str, Any]]:
    """Return all rules of some groups."""
    return [rule for group in groups for rule in group.get("rules") or []]


def foreign_metrics(groups: Groups) -> Iterator[str]:
    """Yield a line for each metric of ours that a rule asks for and nobody exports or records."""
    rules = rules_of(groups)
    known = known_names() | {str(rule["record"]) for rule in rules if "record" in rule}
    for rule in rules:
        name = rule.get("alert") or rule.get("record")
        asked = _OURS.findall(_TEXT.sub("", str(rule.get("expr", ""))))
        for metric in sorted(set(asked) - known):
            yield f"{name}: expected a metric that is exported or recorded, was {metric}"


def grammar_faults(path: Path) -> str | None:
    """Return what promtool finds wrong with a file, "" if nothing, None without a promtool."""
    program = shutil.which("promtool")
    if program is None:
        return None
    run = subprocess.run(  # noqa: S603  a program of Prometheus, on a file that was named
        [program, "check", "rules", "--lint=all", "--lint-fatal", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    return (run.stdout + run.stderr).strip() if run.returncode else ""
