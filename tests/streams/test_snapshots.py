"""States that outlive their owner: what was saved, and what results tell, give the same book."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.book import Book
from core.sessions import NEVER_NS
from streams.logs import Log, LogIdentity
from streams.snapshots import Found, Saved, copy_of, hand_over, read_fields, restore
from streams.topics import CLOSES, FLOWS, INPUTS, PRICES
from tests.support.book_events import assert_same, book_of, prices, tick
from tests.support.book_weeks import EVENTS, LATEST, SESSIONS, WEEK, Event, feed
from tests.support.core_universe import DAY_NS, FIRST, Fund, Ref, at, core_universe
from tests.support.results import results_of, take_results

IDENTITIES = {topic: LogIdentity("cluster", topic, 12) for topic in INPUTS}
LOOKS = (at(1, 3), at(2, 0.1), at(3, 6.9), at(4, 1), at(4, 7), LATEST)


def logs_at(offset: int) -> dict[str, Log]:
    return {topic: Log(offset, 0, 0, applied=offset) for topic in INPUTS}


def saved_fields(book: Book, *, saved: Saved | None = None, offset: int = 7) -> dict[str, bytes]:
    copy = copy_of(book, logs_at(offset), IDENTITIES, saved or Saved(1))
    assert copy is not None
    return copy.encoded()


def restored(fields: dict[str, bytes]) -> Book:
    book = book_of(WEEK)
    restore(book, read_fields(fields))
    return book


def assert_same_at_all_times(one: Book, other: Book) -> None:
    for time_ns in LOOKS:
        assert_same(one.partial(market_ns=time_ns), other.partial(market_ns=time_ns))


@given(before=EVENTS, after=EVENTS, looks_first=st.booleans())
def test_a_book_restored_from_its_snapshot_goes_on_as_if_nothing_had_happened(
    *, before: list[Event], after: list[Event], looks_first: bool
) -> None:
    whole, first = book_of(WEEK), book_of(WEEK)
    feed(whole, before)
    feed(first, before)
    if looks_first:
        first.partial(market_ns=at(2, 1))

    second = restored(saved_fields(first))
    feed(second, after)
    feed(whole, after)

    assert_same_at_all_times(second, whole)


@given(events=EVENTS, later=EVENTS)
def test_a_save_of_what_changed_completes_the_one_before(
    events: list[Event], later: list[Event]
) -> None:
    book, saved = book_of(WEEK), Saved(1)
    feed(book, events)
    copy = copy_of(book, logs_at(1), IDENTITIES, saved)
    assert copy is not None
    fields = copy.encoded()
    saved.take(copy, 0.0)

    feed(book, later)
    copy = copy_of(book, logs_at(2), IDENTITIES, saved)
    assert copy is not None
    fields |= copy.encoded()
    for name in copy.removed:
        del fields[name]

    assert_same_at_all_times(restored(fields), book)


def test_a_session_that_did_not_change_is_not_saved_again() -> None:
    book, saved = book_of(WEEK), Saved(1)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 99.0), tick(0, at(1, 1), 98.0)]))
    copy = copy_of(book, logs_at(1), IDENTITIES, saved)
    assert copy is not None
    saved.take(copy, 0.0)

    book.apply_prices(prices(book, [tick(0, at(1, 2), 97.0)]))
    copy = copy_of(book, {**logs_at(1), PRICES: Log(2, 0, 0)}, IDENTITIES, saved)

    assert copy is not None
    assert copy.states.keys() == {PRICES, f"{PRICES}/{FIRST + 1}"}
    saved.take(copy, 0.0)
    assert copy_of(book, {**logs_at(1), PRICES: Log(2, 0, 0)}, IDENTITIES, saved) is None


@given(events=EVENTS)
def test_results_stand_in_for_everything_before_the_latest_session(events: list[Event]) -> None:
    """Of sessions that are over, results alone give closes, assets, history and usual volumes."""
    whole = book_of(WEEK)
    feed(whole, events)
    whole.partial(market_ns=LATEST)
    other = book_of(WEEK)

    take_results(other, results_of(whole, market_ns=NEVER_NS))

    assert_same_at_all_times(other, whole)


@given(events=EVENTS, later=EVENTS)
def test_results_and_events_merge_in_any_order(events: list[Event], later: list[Event]) -> None:
    whole, first, other = book_of(WEEK), book_of(WEEK), book_of(WEEK)
    feed(whole, [*events, *later])
    feed(first, events)
    results = results_of(first, market_ns=NEVER_NS)

    feed(other, later)
    take_results(other, results)
    feed(other, events)
    take_results(other, results)

    # What late prices teach of a session that is no longer whole depends on when it ended.
    without_history = ("variance",)
    for time_ns in LOOKS:
        assert_same(
            other.partial(market_ns=time_ns),
            whole.partial(market_ns=time_ns),
            but=without_history,
        )


@given(events=EVENTS, later=EVENTS)
def test_what_was_read_of_results_survives_in_their_snapshot_alone(
    events: list[Event], later: list[Event]
) -> None:
    book = book_of(WEEK)
    feed(book, events)
    take_results(book, results_of(book, market_ns=NEVER_NS))
    fields = saved_fields(book)

    other = book_of(WEEK)
    restore(other, {**dict.fromkeys(INPUTS, Found(None, [])), CLOSES: read_fields(fields)[CLOSES]})
    feed(book, later)
    feed(other, later)

    assert_same_at_all_times(other, book)


EVERY = 43
LAST = 20
"""Events of each session of `dense_week`, and of its last."""


def dense_week() -> list[Event]:
    """A price every ten minutes of every session, of the last until noon: each teaches."""
    steps = np.random.default_rng(5).normal(0.0, 0.004, (SESSIONS, EVERY))
    walk = 100.0 * np.exp(np.cumsum(steps.ravel())).reshape(steps.shape)
    return [
        ("price", (0, at(session, 7 * i / 42), float(walk[session, i]), 0, "a", False), 100.0 * i)
        for session in range(SESSIONS)
        for i in range(EVERY)
        if session < SESSIONS - 1 or i < LAST
    ]


@pytest.mark.parametrize(
    "how", ["snapshot", "timed", "retired", "timed_ahead", "retired_ahead", "closes_alone"]
)
def test_what_past_sessions_taught_the_forecast_survives(how: str) -> None:
    week = dense_week()
    whole, other, unread = book_of(WEEK), book_of(WEEK), book_of(WEEK)
    feed(whole, week)
    for book in (other, unread):
        feed(book, week[-LAST:])
    if how == "snapshot":
        other = restored(saved_fields(whole))
    elif how != "closes_alone":
        if not how.endswith("ahead"):
            # Else the reader's latest session is another already.
            other = book_of(WEEK)
        if how.startswith("timed"):
            # Written as each session ended, while its buckets were there.
            writer = book_of(WEEK)
            for session in range(SESSIONS):
                feed(writer, week[session * EVERY : (session + 1) * EVERY])
                results = results_of(writer, market_ns=NEVER_NS, label=FIRST + session)
                take_results(other, results)
        else:
            # Written at the end: of most sessions only the closes are left.
            take_results(other, results_of(whole, market_ns=NEVER_NS))
    else:
        take_results(whole, results_of(whole, market_ns=NEVER_NS))
        found = read_fields(saved_fields(whole))
        other = book_of(WEEK)
        restore(other, {**dict.fromkeys(INPUTS, Found(None, [])), CLOSES: found[CLOSES]})

    time_ns = at(SESSIONS - 1, 3)
    assert_same(other.partial(market_ns=time_ns), whole.partial(market_ns=time_ns))
    variances = [book.partial(market_ns=time_ns).variance[0] for book in (whole, unread)]
    assert abs(variances[0] / variances[1] - 1.0) > 0.01


def test_another_universe_takes_up_what_it_knows() -> None:
    book = book_of(WEEK)
    book.apply_prices(
        prices(book, [tick(0, at(0, 7), 98.0), tick(1, at(0, 7), 97.0), tick(0, at(1, 1), 99.0)])
    )
    book.market.beat(book.source_index("a"), at(1, 1), 5)
    other = core_universe(
        [Ref("NEW"), Ref("AAA")],
        [Fund("NEWF", "NEW", [(FIRST, 1e8, 2.0)]), Fund("UP2", "AAA", [(FIRST, 4e8, 2.0)])],
    )

    new = book_of(other)
    hand_over(book, new)

    partial = new.partial()
    np.testing.assert_array_equal(partial.price, [np.nan, 99.0])
    np.testing.assert_array_equal(partial.previous_close, [np.nan, 98.0])
    assert partial.market_ns[1] == at(1, 1)
    assert partial.beat_ns[1] == 5


def test_offsets_and_counts_are_in_the_head() -> None:
    head = read_fields(saved_fields(book_of(WEEK), offset=41))[FLOWS].head

    assert head is not None
    assert (head.next, head.applied, head.identity) == (41, 41, IDENTITIES[FLOWS])


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "lost_session", "other_format"])
def test_a_damaged_topic_is_refused_and_the_others_are_used(damage: str) -> None:
    book = book_of(WEEK)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 99.0)]))
    fields = saved_fields(book)
    name = f"{PRICES}/{FIRST}"
    content = fields[name]
    fields[name] = {
        "cut": content[:-3],
        "flipped": content[:40] + bytes([content[40] ^ 1]) + content[41:],
        "foreign": b"\x80\x04pickled",
        "lost_session": b"",
        "other_format": content[:3] + bytes([content[3] + 1]) + content[4:],
    }[damage]
    if damage == "lost_session":
        del fields[name]

    found = read_fields(fields)

    assert found[PRICES].head is None
    assert found[PRICES].problem == ("other_format" if damage == "other_format" else "refused")
    assert found[FLOWS].head is not None


def test_a_hash_without_fields_has_nothing() -> None:
    assert {found.problem for found in read_fields({}).values()} == {"none"}


def test_sessions_of_another_calendar_are_left_out() -> None:
    """A strike that was moved: what lies outside the new hours is not a price of the session."""
    book = book_of(WEEK)
    book.apply_prices(prices(book, [tick(0, at(0, 1), 99.0), tick(0, at(0, 6), 98.0)]))
    table = WEEK.schedules[0]
    moved = dataclasses.replace(table, close_ns=table.close_ns - DAY_NS // 12)
    new = book_of(dataclasses.replace(WEEK, schedules=(moved, *WEEK.schedules[1:])))

    hand_over(book, new)

    assert np.isnan(new.partial(market_ns=at(0, 5)).price[0])
