"""Sessions' results on the wire: read as they were written, and judged one by one."""

import json

import numpy as np
import pytest

from core.book import Book
from core.book_state import Restorer, names_of, result_state
from core.results import due_rows
from core.sessions import NEVER_NS
from streams.close_reader import read_results
from streams.closes import digest, encode_results, result_key
from streams.routes import MISROUTED
from tests.support.book_events import book_of, flows, prices, tick
from tests.support.book_weeks import WEEK
from tests.support.core_universe import FIRST, at
from tests.support.records import FakeRecord
from tests.support.results import FAR_MS, results_of, take_results


def book_with_a_session() -> Book:
    book = book_of(WEEK)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 99.0), tick(0, at(0, 7), 98.0)]))
    book.apply_flows(
        flows(book, [(0, at(0, 2), FIRST, 5e6, 0, "f"), (0, at(1, 2), FIRST, 7e6, 0, "f")])
    )
    return book


def one_result(**changes: object) -> bytes:
    (value,) = results_of(book_with_a_session(), market_ns=NEVER_NS)
    return json.dumps(json.loads(value) | changes).encode()


def test_a_result_reads_as_a_person_would_expect() -> None:
    result = json.loads(one_result())

    assert (result["symbol"], result["session"]) == ("AAA", "2024-10-04")
    figures = result["figures"]
    assert figures["close"] | {"rank": 0} == {"event_time": at(0, 7), "value": 98.0, "rank": 0}
    assert figures["creations"]["UP2"]["value"] == 5e6
    assert figures["later_creations"]["UP2"]["value"] == 7e6
    assert figures["sources"] == ["a"]
    assert result["path"]["price"] == [99.0, 98.0]
    assert result_key("AAA", FIRST) == b"AAA|2024-10-04"


def test_what_was_read_back_agrees_with_what_was_written() -> None:
    book = book_with_a_session()

    take_results(book, results_of(book, market_ns=NEVER_NS))

    day = book.days[FIRST]
    rows = due_rows(book, day, np.full(4, NEVER_NS))
    state = result_state(book, day, rows)
    (again,) = encode_results(state, names_of(book), fund_row=book.fund_row)
    assert (again.figures, again.path) == (state.figures[0], state.path[0])


def test_a_late_figure_makes_the_result_another() -> None:
    book = book_with_a_session()
    take_results(book, results_of(book, market_ns=NEVER_NS))
    read = book.days[FIRST].recorded.figures[0]

    book.apply_flows(flows(book, [(0, at(1, 3), FIRST, 9e6, 0, "f")]))

    (value,) = results_of(book, market_ns=NEVER_NS)
    assert digest(json.dumps(json.loads(value)["figures"], separators=(",", ":")).encode()) != read


def test_a_session_that_is_not_over_by_half_an_hour_has_no_result() -> None:
    book = book_with_a_session()

    assert results_of(book, market_ns=at(0, 7.49)) == []
    assert len(results_of(book, market_ns=at(0, 7.5))) == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "malformed"),
        (b"\xff\x00", "malformed"),
        (one_result(format=2), "bad_format"),
        (one_result(session="tomorrow"), "bad_session"),
        (one_result(session="2999-01-01"), "bad_session"),
        (one_result(session=""), "bad_session"),
        (one_result(symbol="ELSE"), "misrouted"),
        (one_result(path={"price": [1.0], "event_time": [1, 2]}), "bad_path"),
        (one_result(path={"price": [1.0], "bucket": [7], "buckets": 7}), "bad_path"),
        (one_result(path={"price": [-1.0], "event_time": [1]}), "malformed"),
        (one_result(figures={"close": {"event_time": 2**63, "value": 1.0}}), "malformed"),
    ],
)
def test_what_is_no_result_says_why(value: bytes, reason: str) -> None:
    code_of = {"AAA": 0, "ELSE": MISROUTED}

    read = read_results(
        [FakeRecord(value, 0, FAR_MS), FakeRecord(one_result(), 1, FAR_MS)], code_of
    )

    assert [reject.reason for reject in read.rejects] == [reason]
    assert len(read.states) == 1


def test_tombstones_and_symbols_outside_the_universe_are_passed_over() -> None:
    records = [FakeRecord(None, 0, FAR_MS), FakeRecord(one_result(), 1, FAR_MS)]

    read = read_results(records, {})

    assert (read.rejects, read.states, read.unknown) == ([], [], 1)


def test_of_two_results_of_a_session_both_are_offered() -> None:
    newer = book_with_a_session()
    newer.apply_prices(prices(newer, [tick(0, at(0, 7), 98.5)]))
    book = book_of(WEEK)
    values = [*results_of(newer, market_ns=NEVER_NS), one_result()]
    read = read_results(
        [FakeRecord(value, offset, FAR_MS) for offset, value in enumerate(values)], {"AAA": 0}
    )
    for names, state in read.states:
        Restorer(book, names).recorded(state)

    assert book.days[FIRST].close()[0] == 98.5
