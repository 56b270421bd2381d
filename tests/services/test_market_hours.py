from dataclasses import replace

import numpy as np
import pytest

from core.columns import View
from services.market_hours import CalendarHours, MarketHours
from tests.support.judged import nanos
from tests.support.manual_clock import ManualClock
from tests.support.rule_world import DAY_S, universe_of, view_at

VENUES = {"ACME": "XNYS", "BOLT": "XNYS", "HANA": "XKRX"}
UNIVERSE = universe_of(VENUES)
BEFORE, IN_SESSION, AFTER = (hour * 3_600 + DAY_S for hour in (14.0, 15.0, 21.5))
"""Of day 1, New York's venues: they are open from 14:30 to 21:00 UTC, Korea's is closed."""


def view(*market_s: float, unknown: tuple[int, ...] = (), weight: float = 1.0) -> View:
    shown = view_at(UNIVERSE, *market_s, coverage=[1.0, 0.5, 1.0])
    is_unknown = np.isin(np.arange(len(VENUES)), unknown)
    return replace(shown, is_unknown=is_unknown, weight_usd=np.full(len(VENUES), weight))


def hours_of(hours: MarketHours, calendar: str) -> CalendarHours:
    [found] = [each for each in hours.calendars() if each.calendar == calendar]
    return found


def test_before_the_first_view_nothing_is_said() -> None:
    assert list(MarketHours(ManualClock(0)).calendars()) == []


@pytest.mark.parametrize(("market_s", "is_open"), [(BEFORE, 0), (IN_SESSION, 1), (AFTER, 0)])
def test_market_time_that_moves_says_what_is_open(market_s: float, is_open: int) -> None:
    # The host's clock lies in the session all the while: a replay is judged as its own day.
    clock = ManualClock(nanos(IN_SESSION))
    hours = MarketHours(clock)
    for second in range(20):
        clock.advance(1.0)
        hours.see(view(market_s + second), UNIVERSE)

    assert hours_of(hours, "XNYS").is_open == is_open
    assert not hours_of(hours, "XKRX").is_open


def test_where_market_time_stands_still_the_clock_opens_sessions() -> None:
    clock = ManualClock(nanos(IN_SESSION))
    hours = MarketHours(clock)
    hours.see(view(BEFORE), UNIVERSE)
    assert not hours_of(hours, "XNYS").is_open
    clock.advance(10.1)
    hours.see(view(BEFORE), UNIVERSE)

    # The rows are those of the session before: nobody knows how things stand in this one.
    found = hours_of(hours, "XNYS")
    assert (found.is_open, found.references, found.unknown, found.coverage) == (True, 2, 2, 0.0)


def test_what_is_unknown_is_counted_and_lowers_the_coverage() -> None:
    hours = MarketHours(ManualClock(0))
    hours.see(view(IN_SESSION, unknown=(0,)), UNIVERSE)

    assert hours_of(hours, "XNYS") == CalendarHours(
        "XNYS", is_open=True, references=2, unknown=1, coverage=0.25
    )


def test_without_exposure_the_coverage_is_unknown() -> None:
    hours = MarketHours(ManualClock(0))
    hours.see(view(IN_SESSION, weight=0.0), UNIVERSE)

    assert np.isnan(hours_of(hours, "XNYS").coverage)
