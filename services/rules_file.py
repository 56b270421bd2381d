"""Rules from a YAML file; every fault is reported at once, with its line and its key.

Scalars are taken as the text that was written, so a symbol such as 000100 or ON stays itself.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import ConfigError
from core.subjects import subjects
from core.thresholds import ESCALATED, GROUP_MEASURES, Rule
from core.universe import Universe
from services.rules_layout import FileKeys, RuleKeys, keys_under
from services.universe_cells import Finding

_Location = tuple[int | str, ...]
_Fault = tuple[_Location, str, str]
"""Where, what was expected, what it was."""


class RulesError(ConfigError):
    """A rules file cannot be used; ``findings`` holds every fault, in the order of the file."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class RulesFile:
    """A rules file that was read: its rules in its order, and its text for the messages.

    ``digest`` is a short hash of its bytes, by which people tell one version from another.
    """

    source: str
    rules: tuple[Rule, ...]
    document: yaml.Node
    digest: str

    def finding(self, location: _Location, expected: str, was: str) -> Finding:
        """Return a fault of one place in the file."""
        return _finding(self.source, self.document, (location, expected, was))


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a file, in its order.

    Raises
    ------
    RulesError
        With every fault, if there is any.
    """
    return read_rules(path).rules


def read_rules(path: Path) -> RulesFile:
    """Return the file that `load_rules` takes its rules from; it raises the same errors."""
    source = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        found = Finding(source, 0, "", "a file that can be read", str(error.strerror))
        raise RulesError([found]) from error
    return parse_rules(content, source)


def digest_of(content: bytes) -> str:
    """Return the short hash of a rules file's bytes: the first 12 digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]


def parse_rules(content: bytes, source: str) -> RulesFile:
    """Return the file of these bytes, which messages name `source`; raises `RulesError`."""
    document, data, findings = _parse(content, source)
    rules, faults = _rules_of(data)
    findings += [_finding(source, document, fault) for fault in faults]
    if findings:
        raise RulesError(sorted(findings, key=lambda finding: finding.line))
    return RulesFile(source, rules, document, digest_of(content))


def foreign_names(file: RulesFile, universe: Universe) -> tuple[Finding, ...]:
    """Return the names in conditions that a universe does not hold, and rules that judge nobody.

    Rules may be written for more than one universe, so this is for a person to see.
    """
    known = {
        "venue": universe.venue,
        "symbol": universe.symbol,
        "room": universe.rooms,
        "currency": universe.currency,
    }
    findings = []
    for number, rule in enumerate(file.rules):
        for condition, names in known.items():
            for name in sorted((getattr(rule.where, condition) or set()) - set(names)):
                location = ("rules", number, "where", condition)
                findings.append(file.finding(location, f"a {condition} of the universe", name))
        if not subjects(rule, universe).name:
            found = file.finding(("rules", number), f"a {rule.scope} that it judges", "none")
            findings.append(found)
    return tuple(findings)


def _parse(content: bytes, source: str) -> tuple[yaml.Node, object, list[Finding]]:
    """Return the document as nodes, as plain text, lists and mappings, and keys given twice."""
    try:
        loader = yaml.BaseLoader(content)
        document = loader.get_single_node()
        if document is None:
            raise RulesError([Finding(source, 0, "", "rules", "an empty file")])
        data = loader.construct_document(document)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        problem = getattr(error, "problem", None) or error
        was = f"something else: {problem}"
        raise RulesError([Finding(source, line, "", "YAML", was)]) from error
    return document, data, [*_keys_again(document, source)]


def _keys_again(document: yaml.Node, source: str) -> Iterator[Finding]:
    """Yield the keys that a mapping has twice: YAML readers silently keep the last."""
    waiting, seen = [document], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        keys = [key for key, _ in node.value]
        waiting += [value for _, value in node.value]
        names = [key.value for key in keys]
        for position, key in enumerate(keys):
            if key.value in names[:position]:
                line = key.start_mark.line + 1
                yield Finding(source, line, key.value, "this key once", "there again")


def _rules_of(data: object) -> tuple[tuple[Rule, ...], list[_Fault]]:
    faults = _refusals(FileKeys, data, ())
    entries = data.get("rules") if isinstance(data, dict) else None
    rules: list[Rule] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        location = ("rules", number)
        refusals = _refusals(RuleKeys, entry, location)
        faults += refusals
        if not refusals:
            rule = RuleKeys.model_validate(entry).rule()
            found = [*_contradictions(rule), *_same_alerts(rule, rules)]
            faults += [((*location, *at), expected, was) for at, expected, was in found]
            rules.append(rule)
    return tuple(rules), faults


def _refusals(layout: type[BaseModel], data: object, prefix: _Location) -> list[_Fault]:
    try:
        layout.model_validate(data)
    except ValidationError as error:
        return [_refusal(details, prefix) for details in error.errors(include_url=False)]
    return []


def _refusal(details: ErrorDetails, prefix: _Location) -> _Fault:
    location, was = (*prefix, *details["loc"]), repr(details["input"])
    match details["type"]:
        case "missing":
            return location[:-1], f"a key {location[-1]!r}", "none"
        case "extra_forbidden":
            return location, f"one of the keys {keys_under(location[:-1])}", repr(location[-1])
        case "model_type":
            return location, f"the keys {keys_under(location)}", was
        case "float_parsing":
            return location, "a number", was
        case _:
            return location, details["msg"].removeprefix("Input should be "), was


def _contradictions(rule: Rule) -> Iterator[_Fault]:
    stated = {level.name for level in rule.levels}
    if not rule.levels:
        yield ("levels",), "a key of watch, warning, critical", "none"
    for level in rule.levels:
        if level.clear_at > level.raise_at:
            expected = f"at most its raise, {level.raise_at:g}"
            yield ("levels", level.name, "clear"), expected, f"{level.clear_at:g}"
    if rule.escalate_after_ns is not None and not stated & set(ESCALATED):
        yield ("escalate",), f"a level of {', '.join(ESCALATED)}, which it is for", "none"
    for lower, level in zip(rule.levels, rule.levels[1:], strict=False):
        if level.raise_at <= lower.raise_at:
            expected = f"above the raise of {lower.name}, {lower.raise_at:g}"
            yield ("levels", level.name, "raise"), expected, f"{level.raise_at:g}"
        if level.clear_at < lower.clear_at:
            expected = f"at least the clear of {lower.name}, {lower.clear_at:g}"
            yield ("levels", level.name, "clear"), expected, f"{level.clear_at:g}"
    if rule.scope != "symbol" and rule.measure not in GROUP_MEASURES:
        names = ", ".join(sorted(GROUP_MEASURES))
        yield ("measure",), f"one of {names}, which a {rule.scope} can sum", repr(rule.measure)


def _same_alerts(rule: Rule, others: Sequence[Rule]) -> Iterator[_Fault]:
    for other in others:
        if rule.alertnames == other.alertnames:
            yield ("name",), f"a name that alerts differently from {other.name}", repr(rule.name)


def _finding(source: str, document: yaml.Node, fault: _Fault) -> Finding:
    location, expected, was = fault
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return Finding(source, _line(document, location), path.removeprefix("."), expected, was)


def _line(document: yaml.Node, location: _Location) -> int:
    """Return the line of a place, of its key where it has one."""
    node, mark = document, document.start_mark
    for step in location:
        if isinstance(step, int):
            node = node.value[step]
            mark = node.start_mark
        else:
            key, node = next(pair for pair in node.value if pair[0].value == step)
            mark = key.start_mark
    line: int = mark.line
    return line + 1
