"""What a stretch of prices may do to one alert, by hand: below, at and above each bound."""

import pytest

from core.alerts import AlertKey, AlertState
from core.lifecycle import step
from core.quiet import stays
from core.readings import Readings, read
from tests.support.judged import level, nanos, rule_of
from tests.support.rule_world import hour, universe_of, view_at

UNIVERSE = universe_of({"ACME": "XNYS"})
WATCH, WARNING = level("watch", 0.02, 0.015), level("warning", 0.05, 0.04, for_seconds=30)
RULE = rule_of(WATCH, WARNING, minimum_hold_ns=nanos(300))


def reading(value: float, *, minutes: float = 60.0) -> Readings:
    """Return what is read so many minutes after the open."""
    view = view_at(UNIVERSE, hour(14.5) + 60.0 * minutes, adv_ratio=[value])
    return read(RULE, view, UNIVERSE)


def judged(*values: float) -> dict[AlertKey, AlertState]:
    """Return the states after these values, a second apart."""
    states: dict[AlertKey, AlertState] = {}
    for number, value in enumerate(values):
        states, _ = step(RULE, reading(value, minutes=59.0 + number / 60.0), states)
    return states


@pytest.mark.parametrize(
    ("seen", "low", "high", "quiet"),
    [
        # Nothing is live: nothing may reach the first bound, on either side.
        ((0.0,), -0.0199, 0.0199, True),
        ((0.0,), -0.01, 0.02, False),
        ((0.0,), -0.02, 0.01, False),
        # The watch fires: it must stay at or above its clear bound, and below the warning.
        ((0.03,), 0.015, 0.0499, True),
        ((0.03,), 0.0149, 0.03, False),
        ((0.03,), 0.02, 0.05, False),
        ((0.03,), -0.02, 0.03, False),
        ((-0.03,), -0.0499, -0.015, True),
        ((-0.03,), -0.03, -0.0149, False),
        # The watch fires, the warning is pending: it must stay at or above where it was raised.
        ((0.06,), 0.05, 0.2, True),
        ((0.06,), 0.0499, 0.06, False),
        ((-0.06,), -0.2, -0.05, True),
        ((-0.06,), -0.06, -0.0499, False),
        # Held below the clear bound: back at it the time below begins anew.
        ((0.03, 0.01), 0.0, 0.0149, True),
        ((0.03, 0.01), 0.0, 0.015, False),
        ((-0.03, -0.01), -0.0149, 0.0, True),
        ((-0.03, -0.01), -0.015, 0.0, False),
        # Another side is another alert.
        ((0.03, 0.01), -0.02, 0.01, False),
    ],
)
def test_a_stretch_is_quiet_only_inside_all_bounds(
    seen: tuple[float, ...], low: float, high: float, *, quiet: bool
) -> None:
    assert stays(RULE, reading(low), reading(high), judged(*seen)) is quiet


def test_what_is_unknown_throughout_changes_nothing() -> None:
    unknown = reading(float("nan"))
    states, _ = step(RULE, unknown, judged(0.03))

    assert stays(RULE, unknown, unknown, states)
    # It fires and nothing is known: that it turns unknown is still to be told.
    assert not stays(RULE, unknown, unknown, judged(0.03))
