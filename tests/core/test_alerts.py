import msgspec
import pytest

from core.alerts import AlertKey, AlertState, Phase, key_of, levels_of
from core.lifecycle import withdraw
from core.thresholds import Where
from tests.support.judged import Judged, level, nanos, rule_of
from tests.support.rule_world import universe_of

WATCH, WARNING = level("watch", 0.02, 0.015), level("warning", 0.05, 0.04, for_seconds=30)
RULE = rule_of(WATCH, WARNING)
WORLD = universe_of({"ACME": "XNAS", "BOLT": "XNYS"}, rooms={"ACME": ["BOLT"]})


def fired(name: str = "ACME") -> dict[AlertKey, AlertState]:
    """Return a watch that fires on the buy side, and a warning that is pending."""
    judged = Judged(RULE, name=name)
    judged.at(100, 0.06)
    return judged.states


def test_labels_say_which_rule_level_side_and_subject() -> None:
    key = key_of(RULE, "warning", value=-0.06, subject="ACME")

    assert key._asdict() == {
        "alertname": "ForcedFlowWarning",
        "severity": "warning",
        "family": "forced-flow",
        "side": "sell",
        "scope": "symbol",
        "symbol": "ACME",
    }


def test_states_survive_the_ledgers_json() -> None:
    ledger = list(fired().items())

    encoded = msgspec.json.encode(ledger)

    assert msgspec.json.decode(encoded, type=list[tuple[AlertKey, AlertState]]) == ledger


def test_level_is_the_highest_that_fires_for_the_reference() -> None:
    judged = Judged(RULE, name="BOLT")
    judged.at(100, 0.06)
    assert levels_of(judged.states, WORLD).tolist() == [0.0, 1.0]

    judged.at(130, 0.06)
    assert levels_of(judged.states, WORLD).tolist() == [0.0, 2.0]
    backwards = dict(reversed(judged.states.items()))
    assert levels_of(backwards, WORLD).tolist() == [0.0, 2.0]

    judged.at(140, 0.06, is_known=False)
    assert levels_of(judged.states, WORLD).tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("name", "scope"), [("NONE", "symbol"), ("ACME", "room"), ("market", "market")]
)
def test_groups_and_strangers_give_no_reference_a_level(name: str, scope: str) -> None:
    judged = Judged(rule_of(WATCH, scope=scope), name=name)
    judged.at(100, 0.06)

    assert levels_of(judged.states, WORLD).tolist() == [0.0, 0.0]


def test_alerts_that_a_rule_still_judges_are_kept() -> None:
    states = fired()

    assert withdraw([rule_of(WATCH, name="other"), RULE], WORLD, states) == (states, [])


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [rule_of(WATCH, WARNING, name="other")],
        [rule_of(level("critical", 0.1, 0.1))],
        [rule_of(WATCH, WARNING, scope="room")],
        [rule_of(WATCH, WARNING, where=Where(venue=frozenset({"XNYS"})))],
    ],
)
def test_alert_that_no_rule_judges_any_more_resolves_as_withdrawn(rules: list[object]) -> None:
    states = fired()

    kept, transitions = withdraw(rules, WORLD, states)  # type: ignore[arg-type]

    assert kept == {}
    (transition,) = transitions
    assert transition.key.severity == "watch"
    assert (transition.change, transition.reason) == ("resolved", "withdrawn")
    assert transition.at_ns == nanos(100)
    assert transition.state.phase is Phase.FIRING
