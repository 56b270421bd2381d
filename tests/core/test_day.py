"""The five-minute buckets of a session against a slow oracle, batch after batch."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from core.book import Book
from core.columns import PriceColumns
from core.day import BUCKET_NS
from tests.support.core_universe import FIRST, HOUR_NS, Ref, at, core_universe

UNIVERSE = core_universe([Ref("AAA"), Ref("BBB", schedule="NIGHT"), Ref("CCC", schedule="ROUND")])
OPENS = (at(1, 0), at(1, 0, "NIGHT"), at(1, 0, "ROUND"))
CLOSES = (at(1, 7), at(1, 6, "NIGHT"), at(1, 24, "ROUND"))
# Of "ROUND", the open is the close before and belongs to that one.
FIRSTS = (OPENS[0], OPENS[1], OPENS[2] + 1)
Tick = tuple[int, int, float]
"""Row, time, price."""

EDGES = st.builds(
    lambda start, bucket, nudge: start + bucket * BUCKET_NS + nudge,
    st.sampled_from([*OPENS, *CLOSES]),
    st.integers(-2, 3),
    st.integers(-2, 2),
)
TIMES = EDGES | st.integers(OPENS[2] - HOUR_NS, CLOSES[2] + HOUR_NS)
TICKS = st.tuples(st.integers(0, 2), TIMES, st.sampled_from([40.0, 99.5, 101.0]))
BATCHES = st.lists(st.lists(TICKS, min_size=1, max_size=12), min_size=1, max_size=8)
FEEDS = st.lists(TICKS, min_size=1, max_size=40).map(
    lambda ticks: [[tick] for tick in sorted(ticks, key=lambda tick: tick[1])]
)


def columns(ticks: list[Tick]) -> PriceColumns:
    row, time_ns, price = zip(*ticks, strict=True)
    return PriceColumns(
        reference=np.array(row, np.int32),
        event_ns=np.array(time_ns, np.int64),
        price=np.array(price, np.float64),
        sequence=np.zeros(len(row), np.int64),
        source=np.zeros(len(row), np.int32),
        official=np.zeros(len(row), np.bool_),
    )


def last_of_each_bucket(ticks: list[Tick]) -> dict[tuple[int, int], float]:
    best: dict[tuple[int, int], tuple[int, float]] = {}
    for row, time_ns, price in ticks:
        if FIRSTS[row] <= time_ns <= CLOSES[row]:
            bucket = max(-(-(time_ns - FIRSTS[row]) // BUCKET_NS) - 1, 0)
            best[row, bucket] = max(best.get((row, bucket), (0, 0.0)), (time_ns, price))
    return {place: price for place, (_, price) in best.items()}


@given(batches=BATCHES | FEEDS)
@example([[(0, OPENS[0] + BUCKET_NS + 1, 40.0)], [(0, OPENS[0] + BUCKET_NS, 99.5)]])
@example([[(0, OPENS[0] + BUCKET_NS, 40.0)], [(0, OPENS[0] + BUCKET_NS + 1, 99.5)]])
def test_a_bucket_holds_the_last_price_up_to_its_end(batches: list[list[Tick]]) -> None:
    book = Book(UNIVERSE, np.arange(3, dtype=np.int32))
    book.source_index("a")

    for batch in batches:
        book.apply_prices(columns(batch))

    expected = last_of_each_bucket([tick for batch in batches for tick in batch])
    day = book.days.get(FIRST + 1)
    found = {}
    if day is not None and day.buckets is not None:
        for slot in np.flatnonzero(~np.isnan(day.buckets.value)).tolist():
            found[divmod(slot, day.buckets_per_row)] = day.buckets.value[slot]
    assert found == expected
