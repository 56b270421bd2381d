"""Open interest that outlives its owner, and the columns that it shows in a partition."""

import numpy as np
import pytest

from core.columns import Partial
from streams.event_kinds import session_label
from streams.logs import Log, LogIdentity
from streams.partition import Partition
from streams.snapshots import Found, Saved, copy_of, read_fields
from streams.topics import INPUTS, OPEN_INTEREST, PRICES
from tests.support.book_events import assert_same
from tests.support.decoders import ACME_PARTITION, REFERENCES, small_universe
from tests.support.interest import BEFORE_OPEN_NS, level
from tests.support.records import TIME_NS, heartbeat, price, records
from tests.support.universes import fund, universe_from

IDENTITIES = {topic: LogIdentity("cluster", topic, 12) for topic in INPUTS}


def partition(found: dict[str, Found] | None = None) -> Partition:
    logs = {topic: Log(0, 0, 0) for topic in INPUTS}
    return Partition(small_universe(), ACME_PARTITION, token=1, logs=logs, found=found)


def with_a_chain() -> Partition:
    """Return ACME at 97 after a close of 100, with calls and puts around it."""
    made = partition()
    chain = [
        level(
            strike=strike,
            right=right,
            open_interest=held,
            event_time=BEFORE_OPEN_NS,
            dealer_sign=(strike - 100.0) / 20.0,
        )
        for strike in (90.0, 95.0, 100.0, 105.0, 110.0)
        for right, held in (("call", 500.0 + strike), ("put", 900.0 - strike))
    ]
    made.take(OPEN_INTEREST, records(*chain))
    made.take(PRICES, records(price(price=97.0), heartbeat()))
    return made


def settled(made: Partition) -> Partial:
    """Return the partial once every curve is made."""
    made.book.partial()
    while made.book.options.refresh():
        pass
    return made.book.partial()


def saved_fields(made: Partition, saved: Saved, *, now: float = 0.0) -> dict[str, bytes]:
    for offsets in made.logs.values():
        offsets.next += 1
    copy = copy_of(made.book, made.logs, IDENTITIES, saved, now=now)
    assert copy is not None
    saved.take(copy, now)
    return copy.encoded()


def test_open_interest_shows_what_dealers_must_trade() -> None:
    made = with_a_chain()
    before = made.book.partial()

    partial = settled(made)

    # Until the curves are made nothing is known.
    assert np.isnan(before.dealer_hedge_usd[0])
    figures = (
        partial.dealer_hedge_low_usd[0],
        partial.dealer_hedge_usd[0],
        partial.dealer_hedge_high_usd[0],
    )
    assert figures[0] <= figures[1] <= figures[2]
    assert figures[0] < 0.0 < figures[2]
    # In no sum: what funds owe is as without options.
    assert partial.leveraged_usd[0] == pytest.approx(-0.03 * (8e8 * 2 + 1e8 * 2))
    assert not partial.is_stale[0]


def test_without_open_interest_nothing_is_known_of_dealers() -> None:
    made = partition()
    made.take(PRICES, records(price(price=97.0), heartbeat()))

    assert np.isnan(settled(made).dealer_hedge_usd[0])


def test_open_interest_of_the_session_before_is_stale() -> None:
    made = partition()
    made.take(
        OPEN_INTEREST,
        records(level(event_time=TIME_NS - 24 * 3600 * 10**9, effective_at="2026-06-22")),
    )
    made.take(PRICES, records(price(price=97.0), heartbeat()))

    partial = settled(made)

    assert partial.is_stale[0]
    assert not np.isnan(partial.dealer_hedge_usd[0])


def test_a_partition_restored_from_its_snapshot_shows_the_same() -> None:
    made = with_a_chain()

    other = partition(read_fields(saved_fields(made, Saved(1))))

    assert_same(settled(other), settled(made))
    # And goes on alike.
    late = level(strike=95.0, right="put", open_interest=9_000.0, event_time=TIME_NS)
    for each in (made, other):
        each.take(OPEN_INTEREST, records(late))
    assert_same(settled(other), settled(made))


def test_what_was_said_many_sessions_ago_is_restored() -> None:
    made = partition()
    day_ns = 24 * 3600 * 10**9
    made.take(OPEN_INTEREST, records(level(strike=90.0, event_time=BEFORE_OPEN_NS - 8 * day_ns)))
    for before in (6, 1, 0):
        recent = level(event_time=BEFORE_OPEN_NS - before * day_ns)
        made.take(OPEN_INTEREST, records(recent))
    made.take(PRICES, records(price(price=97.0), heartbeat()))

    other = partition(read_fields(saved_fields(made, Saved(1))))

    assert_same(settled(other), settled(made))
    assert other.book.options.state.unused == 0
    assert len(other.book.options.state.table.members(0)) == 2
    # Of a session long ago it stays, however many of them have become one.
    assert len(other.book.options.state.days.ordered()) <= 3


def test_more_contracts_than_the_table_began_with_are_restored() -> None:
    made = partition()
    chain = [
        level(strike=float(strike), open_interest=float(strike), event_time=BEFORE_OPEN_NS)
        for strike in range(20, 1_520)
    ]
    made.take(OPEN_INTEREST, records(*chain))

    other = partition(read_fields(saved_fields(made, Saved(1))))

    held = [
        np.sort(each.book.options.state.in_force(np.arange(1_500), label).open_interest)
        for each in (made, other)
        for label in [session_label("2026-06-23")]
    ]
    np.testing.assert_array_equal(held[0], np.arange(20.0, 1_520.0))
    np.testing.assert_array_equal(held[1], held[0])


def test_open_interest_is_saved_every_half_minute_at_most() -> None:
    made, saved = with_a_chain(), Saved(1)
    first = saved_fields(made, saved)

    made.take(OPEN_INTEREST, records(level(open_interest=7.0)))
    early = saved_fields(made, saved, now=10.0)
    later = saved_fields(made, saved, now=31.0)

    assert OPEN_INTEREST in first
    assert OPEN_INTEREST not in early
    assert f"{OPEN_INTEREST}/0" in later


def test_another_universe_takes_the_contracts_up() -> None:
    made = with_a_chain()
    before = settled(made)

    made.switch(
        universe_from(references=REFERENCES, funds=[fund("ACMU", "ACME", 2, assets_usd=4e8)])
    )

    partial = settled(made)
    assert partial.dealer_hedge_usd[0] == pytest.approx(before.dealer_hedge_usd[0], rel=1e-9)
    assert partial.leveraged_usd[0] == pytest.approx(-0.03 * 4e8 * 2)
