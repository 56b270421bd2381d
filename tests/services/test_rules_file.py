from pathlib import Path

import pytest

from core.thresholds import Level, Rule, Where
from services.rules_file import RulesError, foreign_names, load_rules, read_rules
from tests.support.judged import nanos
from tests.support.rule_world import universe_of

PUBLIC = """\
version: 1
rules:
  - name: forced-flow
    measure: adv_ratio
    scope: symbol
    where: {venue: [XNYS, XNAS]}
    active: {after_open: 30m, before_close: 4h}
    levels:
      watch:    {raise: 0.02, clear: 0.015}
      warning:  {raise: 0.05, clear: 0.04, for: 30s}
      critical: {raise: 0.10, clear: 0.08, for: 10s}
    minimum_hold: 5m
"""

SHORT = """\
version: 1
rules:
  - {name: total, measure: forced_flow_usd, scope: market, levels: {watch: {raise: 1e9, clear: 9}}}
"""


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    return tmp_path / "rules.yaml"


def refusal(path: Path, text: str) -> RulesError:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RulesError) as caught:
        load_rules(path)
    assert {finding.file for finding in caught.value.findings} == {str(path)}
    return caught.value


def test_published_form_is_read(rules_file: Path) -> None:
    rules_file.write_text(PUBLIC, encoding="utf-8")

    assert load_rules(rules_file) == (
        Rule(
            name="forced-flow",
            measure="adv_ratio",
            scope="symbol",
            levels=(
                Level("watch", 0.02, 0.015, 0),
                Level("warning", 0.05, 0.04, nanos(30)),
                Level("critical", 0.10, 0.08, nanos(10)),
            ),
            where=Where(venue=frozenset({"XNYS", "XNAS"})),
            after_open_ns=nanos(1_800),
            before_close_ns=nanos(14_400),
            minimum_hold_ns=nanos(300),
        ),
    )


def test_what_is_optional_has_no_effect_when_left_out(rules_file: Path) -> None:
    rules_file.write_text(SHORT, encoding="utf-8")

    assert load_rules(rules_file) == (
        Rule("total", "forced_flow_usd", "market", (Level("watch", 1e9, 9, 0),)),
    )


def test_a_rule_may_escalate(rules_file: Path) -> None:
    text = PUBLIC.replace("    minimum_hold:", "    escalate: {after: 10m}\n    minimum_hold:")
    rules_file.write_text(text, encoding="utf-8")

    (rule,) = load_rules(rules_file)

    assert rule.escalate_after_ns == nanos(600)


def test_symbols_that_yaml_takes_for_numbers_or_truth_stay_text(rules_file: Path) -> None:
    where = "where: {symbol: [000100, ON, 1e3, '7999']}"
    rules_file.write_text(PUBLIC.replace("where: {venue: [XNYS, XNAS]}", where), encoding="utf-8")

    (rule,) = load_rules(rules_file)

    assert rule.where == Where(symbol=frozenset({"000100", "ON", "1e3", "7999"}))


def test_levels_may_be_shared_by_an_anchor(rules_file: Path) -> None:
    text = PUBLIC.replace("levels:", "levels: &usual")
    text += "  - {name: rooms, measure: adv_ratio, scope: room, levels: *usual}\n"
    rules_file.write_text(text, encoding="utf-8")

    first, second = load_rules(rules_file)

    assert second.levels == first.levels


def test_every_fault_is_found_at_once(rules_file: Path) -> None:
    text = """\
version: 2
owner: desk
rules:
  - name: Forced Flow
    measure: adv_ration
    scope: complex
    where: {venue: XNYS, country: [US]}
    active: 30m
    levels:
      watch:    {raise: 2%, clear: -1}
      warning:  {clear: 0.04, for: 30}
      page:     {raise: 1, clear: 1}
    minimum_hold: 5 minutes
  - name: second
    measure: price
    scope: market
    levels:
      watch:    {raise: 2, clear: 3}
      warning:  {raise: 1, clear: 0.5}
  - name: second
    measure: level
    levels: {}
  - {name: a-1, measure: price, scope: symbol, levels: {watch: {raise: 1, clear: 1}}}
  - {name: a1, measure: price, scope: symbol, levels: {}}
  - everything
"""

    error = refusal(rules_file, text)

    assert [(finding.line, finding.column, finding.was) for finding in error.findings] == [
        (1, "version", "'2'"),
        (2, "owner", "'owner'"),
        (4, "rules[0].name", "'Forced Flow'"),
        (5, "rules[0].measure", "'adv_ration'"),
        (6, "rules[0].scope", "'complex'"),
        (7, "rules[0].where.venue", "'XNYS'"),
        (7, "rules[0].where.country", "'country'"),
        (8, "rules[0].active", "'30m'"),
        (10, "rules[0].levels.watch.raise", "'2%'"),
        (10, "rules[0].levels.watch.clear", "'-1'"),
        (11, "rules[0].levels.warning", "none"),
        (11, "rules[0].levels.warning.for", "'30'"),
        (12, "rules[0].levels.page", "'page'"),
        (13, "rules[0].minimum_hold", "'5 minutes'"),
        (15, "rules[1].measure", "'price'"),
        (18, "rules[1].levels.watch.clear", "3"),
        (19, "rules[1].levels.warning.raise", "1"),
        (19, "rules[1].levels.warning.clear", "0.5"),
        (20, "rules[2]", "none"),
        (21, "rules[2].measure", "'level'"),
        (24, "rules[4].levels", "none"),
        (24, "rules[4].name", "'a1'"),
        (25, "rules[5]", "'everything'"),
    ]
    assert str(error) == "\n".join(str(finding) for finding in error.findings)


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("scope: market, ", "", "3: rules[0]: expected a key 'scope', was none"),
        (
            "name",
            "nick",
            "3: rules[0].nick: expected one of the keys name, measure, scope, where, ",
        ),
        ("total", "-total", "3: rules[0].name: expected lower-case words with hyphens between "),
        ("total", "2nd", "3: rules[0].name: expected lower-case words with hyphens between them"),
        ("total", "[]", "3: rules[0].name: expected lower-case words with hyphens between them"),
        ("forced_flow_usd", "flow", "3: rules[0].measure: expected one of seconds_to_close, "),
        ("market", "[market]", "3: rules[0].scope: expected one of symbol, room, venue, market, "),
        (
            "market",
            "complex",
            "3: rules[0].scope: expected one of symbol, room, venue, market; complexes cannot be ",
        ),
        (
            "forced_flow_usd",
            "coverage",
            "leveraged_rebalance_usd, which a market can sum, was 'coverage'",
        ),
        ("1e9", "lots", "3: rules[0].levels.watch.raise: expected a number, was 'lots'"),
        ("1e9", "nan", "3: rules[0].levels.watch.raise: expected a finite number, was 'nan'"),
        ("1e9", "0", "3: rules[0].levels.watch.raise: expected greater than 0, was '0'"),
        ("1e9", "8", "3: rules[0].levels.watch.clear: expected at most its raise, 8, was 9"),
        (
            "clear: 9}",
            "clear: 9}, warning: {raise: 1e9, clear: 9}",
            "3: rules[0].levels.warning.raise: expected above the raise of watch, 1e+09, was 1e+09",
        ),
        (
            "clear: 9}",
            "clear: 9}, critical: {raise: 2e9, clear: 8}",
            "3: rules[0].levels.critical.clear: expected at least the clear of watch, 9, was 8",
        ),
        ("clear: 9", "clear: 9, for: 5", "3: rules[0].levels.watch.for: expected a duration such"),
        ("scope", "where: {venue: []}, scope", "3: rules[0].where.venue: expected a list of one "),
        ("scope", "escalate: {after: 0s}, scope", "escalate.after: expected a duration longer"),
        ("scope", "escalate: {after: 10}, scope", "escalate.after: expected a duration such as"),
        ("scope", "escalate: 10m, scope", "3: rules[0].escalate: expected the keys after, was"),
        (
            "scope",
            "escalate: {after: 10m}, scope",
            "3: rules[0].escalate: expected a level of warning, critical, which it is for, was n",
        ),
        ("scope", "name: x, scope", "3: name: expected this key once, was there again"),
        ("rules:", "rules: [", "3: expected YAML, was something else: expected the node content"),
    ],
)
def test_fault_of_a_rule_is_said_with_its_place(
    rules_file: Path, old: str, new: str, finding: str
) -> None:
    error = refusal(rules_file, SHORT.replace(old, new, 1))

    assert finding in str(error)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", ": expected rules, was an empty file"),
        ("rules", ":1: expected the keys version, rules, was 'rules'"),
        ("version: 1\n", ":1: expected a key 'rules', was none"),
        ("version: 1\nrules: []\n", ":2: rules: expected a list of one or more rules, was []"),
        ("version: 1\nrules: {}\n", ":2: rules: expected a list of one or more rules, was {}"),
        ("a: 1\n? [a]\n: 2\n", ":2: expected YAML, was something else: found unhashable key"),
        (
            "a: &a [*a]\n",
            ":1: expected YAML, was something else: found unconstructable recursive node",
        ),
        ("a: \x00", ": expected YAML, was something else: "),
    ],
)
def test_file_of_another_shape_is_refused(rules_file: Path, text: str, finding: str) -> None:
    assert f"{rules_file}{finding}" in str(refusal(rules_file, text))


def test_file_that_is_not_there_is_a_finding(rules_file: Path) -> None:
    with pytest.raises(RulesError, match="expected a file that can be read, was No such file"):
        load_rules(rules_file)


def test_names_that_a_universe_does_not_hold_are_found(rules_file: Path) -> None:
    text = PUBLIC.replace("[XNYS, XNAS]", "[XNYS, XNYQ]") + (
        "  - {name: r, measure: adv_ratio, scope: room, levels: {watch: {raise: 1, clear: 1}}}\n"
    )
    rules_file.write_text(text, encoding="utf-8")
    world = universe_of({"BOLT": "XNYS"})

    found = foreign_names(read_rules(rules_file), world)

    assert [str(finding).removeprefix(f"{rules_file.parent}/") for finding in found] == [
        "rules.yaml:6: rules[0].where.venue: expected a venue of the universe, was XNYQ",
        "rules.yaml:13: rules[1]: expected a room that it judges, was none",
    ]


def test_rules_that_fit_a_universe_have_no_findings(rules_file: Path) -> None:
    rules_file.write_text(PUBLIC, encoding="utf-8")

    assert foreign_names(read_rules(rules_file), universe_of({"A": "XNYS", "B": "XNAS"})) == ()
