"""A script as bad feeds would send it: one event in a hundred of each kind of trouble."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from core.columns import Int64s
from core.sessions import NANOS_PER_SECOND
from streams.topics import FLOWS, PARTITIONS, PRICES, partition_of
from tests.support.chaos_market import PRICE_SOURCES, ChaosMarket, Flows, Prices, joined_events
from tests.support.chaos_script import BadRecord, Script
from tests.support.chaos_windows import Records

SHARE = 0.01
"""Of all events, for each kind of trouble."""
LATENESS_NS = 180 * NANOS_PER_SECOND
"""How far an event that is merely out of order comes after its time."""
LATEST_NS = 20 * 3600 * NANOS_PER_SECOND
"""How far a late event comes after its time: in the next session at times."""
FUTURE_NS = 4_102_444_800 * NANOS_PER_SECOND
"""A date in 2100."""

E = TypeVar("E", Prices, Flows)


def hostile_script(market: ChaosMarket, *, seed: int) -> Script:
    """Send some events twice, some out of order, some late, and bad ones between them."""
    random = np.random.default_rng([seed, 2])
    prices, price_arrival_ns = _troubled(random, market.prices, market.marks)
    flows, flow_arrival_ns = _troubled(random, market.flows, market.marks)
    return Script(
        market,
        prices,
        price_arrival_ns,
        flows,
        flow_arrival_ns,
        bad=tuple(_bad_records(random, market)),
        lateness_ns=LATENESS_NS,
    )


def _troubled(random: np.random.Generator, events: E, marks: Sequence[int]) -> tuple[E, Int64s]:
    """Return the events, some of them twice, in the order of their arrival, int64[n] ns."""
    size = len(events)
    arrival_ns = events.event_ns.copy()
    trouble = random.permutation(size)
    share = round(size * SHARE)
    reordered, late, twice = (trouble[share * k : share * (k + 1)] for k in range(3))
    # Out of order, but before the mark that says it was sent.
    until_ns = np.array(marks)[np.searchsorted(marks, arrival_ns[reordered])]
    arrival_ns[reordered] += random.integers(0, LATENESS_NS, share)
    arrival_ns[reordered] = np.minimum(arrival_ns[reordered], until_ns)
    arrival_ns[late] += random.integers(LATENESS_NS, LATEST_NS, share)
    again_ns = arrival_ns[twice] + random.integers(0, LATEST_NS, share)
    found = joined_events([events, events.at(twice)])
    arrival_ns = np.minimum(np.concatenate((arrival_ns, again_ns)), marks[-1])
    order = np.argsort(arrival_ns, kind="stable")
    return found.at(order), arrival_ns[order]


def _bad_records(random: np.random.Generator, market: ChaosMarket) -> Iterator[BadRecord]:
    """Yield as many that come from the future as are malformed, every kind in turn."""
    records = Records(market)
    count = round(len(market.prices) * SHARE)
    last_ns = market.marks[-1]
    for number, index in enumerate(random.choice(len(market.prices), 2 * count).tolist()):
        event = market.prices.at(slice(index, index + 1))
        time_ns = int(event.event_ns[0])
        partition = partition_of(market.universe.symbol[int(event.reference[0])])
        good = next(records.prices_json(event))
        if number < count:
            value = good.replace(b"%d" % time_ns, b"%d" % FUTURE_NS)
            yield BadRecord(min(time_ns, last_ns), PRICES, partition, value, ((0, "future"),))
        elif number % (len(_MALFORMED) + 1):
            make, reason = _MALFORMED[number % (len(_MALFORMED) + 1) - 1]
            yield BadRecord(min(time_ns, last_ns), PRICES, partition, make(good), ((0, reason),))
        else:
            # Its good row comes after the same event by itself, however late that is.
            yield BadRecord(
                min(time_ns + LATEST_NS, last_ns),
                PRICES,
                partition,
                _mixed_frame(records, event),
                ((1, "future"), (2, "bad_price")),
                good=1,
            )
    for partition in range(PARTITIONS):
        beat = b'{"heartbeat":"%b","event_time":%d}' % (PRICE_SOURCES[0].encode(), FUTURE_NS)
        yield BadRecord(last_ns, PRICES, partition, beat, ((0, "future"),))
        yield BadRecord(last_ns, FLOWS, partition, b"[]", ((0, "malformed"),))


def _mixed_frame(records: Records, event: Prices) -> bytes:
    """Return a frame of a good row, one of the future, and one without a price."""
    three = joined_events([event, event, event])
    three.event_ns[1] = FUTURE_NS
    three.price[2] = np.nan
    return records.frame(three)


_MALFORMED: tuple[tuple[Callable[[bytes], bytes], str], ...] = (
    (lambda good: good[:-9], "malformed"),
    (lambda good: good.replace(b'"price":', b'"price":-'), "bad_price"),
    (lambda good: good.replace(b'"price":', b'"prize":'), "missing_key"),
    (lambda good: good.replace(b'"source":"', b'"source":"\xff'), "not_utf8"),
    (lambda _: b"", "empty"),
    (lambda _: b"\xff\xff\xff\xff\x00\x00", "bad_frame"),
    (lambda good: good.replace(b"}", b',"kind":"guess"}'), "bad_kind"),
)
"""What is made of a good price, and the reason of its dead letter."""
