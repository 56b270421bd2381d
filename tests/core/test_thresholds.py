import numpy as np
import pytest

from core.columns import NUMERIC_COLUMNS
from core.thresholds import (
    GROUP_MEASURES,
    MOVING_MEASURES,
    SCOPES,
    SEVERITIES,
    Rule,
    Where,
    breach_levels,
    covered,
)
from tests.support.judged import level, rule_of
from tests.support.rule_world import universe_of

WORLD = universe_of(
    {"ACME": "XNAS", "BOLT": "XNYS", "000100": "XKRX"},
    rooms={"chips": ["ACME", "000100"], "bolts": ["BOLT"]},
)
WARNING = level("warning", 0.05, 0.04)


def test_alertname_is_the_rule_and_the_level_in_one_word() -> None:
    rule = rule_of(WARNING, name="forced-flow-2")

    assert rule.alertnames == {
        "watch": "ForcedFlow2Watch",
        "warning": "ForcedFlow2Warning",
        "critical": "ForcedFlow2Critical",
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), [True, True, True]),
        (Where(venue=frozenset({"XNAS", "XNYS"})), [True, True, False]),
        (Where(symbol=frozenset({"000100"})), [False, False, True]),
        (Where(room=frozenset({"chips"})), [True, False, True]),
        (Where(room=frozenset({"chips", "bolts"})), [True, True, True]),
        (Where(room=frozenset({"none"})), [False, False, False]),
        (Where(currency=frozenset({"KRW"})), [False, False, False]),
        (Where(currency=frozenset({"KRW", "USD"})), [True, True, True]),
        (Where(venue=frozenset({"XNAS", "XNYS"}), room=frozenset({"chips"})), [True, False, False]),
    ],
)
def test_reference_is_covered_when_every_condition_holds(
    where: Where, expected: list[bool]
) -> None:
    assert covered(where, WORLD).tolist() == expected


def bounds(*rules: Rule) -> tuple[list[float], list[float]]:
    usd, adv_ratio = breach_levels(rules, WORLD)
    return np.nan_to_num(usd, nan=-1).tolist(), np.nan_to_num(adv_ratio, nan=-1).tolist()


def test_breach_level_is_the_warning_of_the_first_rule_that_covers_the_reference() -> None:
    flow = rule_of(
        level("watch", 1e6, 1e6),
        level("warning", 5e6, 4e6),
        measure="forced_flow_usd",
        where=Where(venue=frozenset({"XNYS"})),
    )
    ratio = rule_of(WARNING)

    assert bounds(flow, ratio) == ([-1, 5e6, -1], [0.05, -1, 0.05])
    assert bounds(ratio, flow) == ([-1, -1, -1], [0.05, 0.05, 0.05])


@pytest.mark.parametrize(
    "rule",
    [
        rule_of(WARNING, measure="auction_ratio"),
        rule_of(WARNING, scope="market"),
        rule_of(level("watch", 0.02, 0.01)),
    ],
)
def test_other_rules_forecast_no_breach(rule: Rule) -> None:
    assert bounds(rule) == ([-1, -1, -1], [-1, -1, -1])
    assert bounds(rule, rule_of(WARNING)) == ([-1, -1, -1], [0.05, 0.05, 0.05])


def test_words_of_rules_are_words_of_the_contract() -> None:
    assert SEVERITIES == ("watch", "warning", "critical")
    assert SCOPES == ("symbol", "room", "venue", "market")
    assert GROUP_MEASURES.issubset(NUMERIC_COLUMNS)
    assert MOVING_MEASURES.issubset(NUMERIC_COLUMNS)
