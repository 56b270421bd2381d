"""What a book of options holds, taken up by another: the same of every session."""

from dataclasses import replace

import numpy as np
import pytest

from core.interest_state import interest_state, take_up
from core.option_book import OptionBook
from tests.support.core_universe import FIRST, at
from tests.support.option_records import Record, apply, option_book, settle, targets


def taken_up(book: OptionBook) -> OptionBook:
    other = option_book(2)
    take_up(other, interest_state(book), np.arange(2))
    return other


@pytest.mark.parametrize(
    ("hour", "label"),
    [
        # The evening's download has the levels of the morning.
        (8.0, FIRST),
        # In the session, those of the next.
        (3.0, FIRST + 1),
    ],
)
@pytest.mark.parametrize("newest", [1, 2, 3, 4])
def test_levels_are_of_the_session_that_their_source_meant(
    hour: float, label: int, newest: int
) -> None:
    book = option_book(2)
    apply(book, Record(at(0, hour), 100.0, 0.3, label=label))
    # Another underlying's levels let the oldest sessions become one.
    apply(book, Record(at(newest, 1.0), 5.0, 0.3, row=1, label=FIRST + newest))

    other = taken_up(book)

    for each in (book, other):
        settle(each, targets(newest, 3.0, rows=2))
        assert each.interest_labels().tolist() == [label, FIRST + newest]
        assert each.is_stale().tolist() == [label != FIRST + newest, False]


def test_a_volatility_after_the_open_is_none_of_the_open_when_it_is_taken_up() -> None:
    book = option_book(2)
    morning = Record(at(0, -1.0), 100.0, 0.3, label=FIRST)
    apply(book, morning, replace(morning, event_ns=at(0, 8.0), volatility=0.5))
    apply(book, replace(morning, event_ns=at(1, -1.0), label=FIRST + 1, volatility=float("nan")))

    found = [
        each.state.in_force(each.state.table.members(0), FIRST) for each in (book, taken_up(book))
    ]

    for figures in found:
        assert (figures.start_volatility.tolist(), figures.volatility.tolist()) == ([0.3], [0.5])
