import numpy as np

from services.bars import bars_straddling_open
from tests.support.core_universe import HOUR_NS, Ref, at, core_universe, ints

MINUTES_5 = HOUR_NS // 12
UNIVERSE = core_universe([Ref("ACME"), Ref("COIN", "ROUND")])


def straddles(reference: int, start_ns: int, length_ns: int = MINUTES_5) -> bool:
    found = bars_straddling_open(
        UNIVERSE,
        np.array([reference], np.int32),
        start_ns=ints(start_ns),
        event_ns=ints(start_ns + length_ns),
    )
    return bool(found[0])


def test_a_bar_that_ends_at_or_after_the_open_it_began_before() -> None:
    assert straddles(0, at(1, 0) - MINUTES_5)
    assert straddles(0, at(1, 0) - 1)
    assert straddles(0, at(0, 6.9), length_ns=24 * HOUR_NS)


def test_bars_within_a_session_or_outside_all() -> None:
    assert not straddles(0, at(1, 0))
    assert not straddles(0, at(1, 7) - MINUTES_5)
    assert not straddles(0, at(1, 7))
    assert not straddles(0, at(1, 0) - MINUTES_5 - 1)
    assert not straddles(0, at(1, 3), length_ns=0)


def test_a_bar_that_ends_at_a_strike_belongs_to_the_session_it_closes() -> None:
    assert not straddles(1, at(1, 0, "ROUND") - MINUTES_5)
    assert straddles(1, at(1, 0, "ROUND") - MINUTES_5 + 1)


def test_bars_of_no_reference_are_never_marked() -> None:
    assert not straddles(-1, at(1, 0) - MINUTES_5)
