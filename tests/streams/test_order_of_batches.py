"""Any order, duplication or batching of records ends in the same partial."""

from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from core.columns import Partial
from streams.frames import encode_frame
from streams.logs import Log
from streams.partition import Partition
from streams.topics import FLOWS, PRICES
from tests.support.decoders import ACME_PARTITION, small_universe
from tests.support.partials import assert_same_partial
from tests.support.records import TIME_NS, FakeRecord, flow, heartbeat, price

HOUR_NS = 3600 * 10**9
UNIVERSE = small_universe()
APPENDED_MS = (TIME_NS + 30 * HOUR_NS) // 10**6

times = st.sampled_from([TIME_NS + step * HOUR_NS // 2 for step in (-1, 0, 1, 2, 12, 13, 47, 48)])
sequences = st.integers(0, 2)
sources = st.sampled_from(["", "a", "b"])
figures = st.sampled_from([90.0, 100.0, 101.0, 49.0])


@st.composite
def price_values(draw: st.DrawFn) -> bytes:
    keys = {
        "symbol": draw(st.sampled_from(["ACME", "ACME.X"])),
        "event_time": draw(times),
        "price": draw(figures),
        "sequence": draw(sequences),
        "source": draw(sources),
        "kind": draw(st.sampled_from(["trade", "trade", "official_close"])),
    }
    if draw(st.booleans()):
        return price(**keys)
    return encode_frame(pa.record_batch({name: [value] for name, value in keys.items()}))


flow_values = st.builds(
    flow,
    st.sampled_from(["ACMU", "ACMD"]),
    figures,
    event_time=times,
    sequence=sequences,
    source=sources,
    session=st.sampled_from([None, "2026-06-23"]),
)
beats = st.builds(heartbeat, sources, times)
bad = st.sampled_from([b"{", price("BOLT"), price("ELSE"), price(price=-1.0), b"\xff\xff\xff\xff"])
events = st.one_of(
    st.tuples(st.just(PRICES), st.one_of(price_values(), beats, bad)),
    st.tuples(st.just(FLOWS), st.one_of(flow_values, bad)),
)


def partial_after(batches: Sequence[Sequence[tuple[str, bytes]]]) -> Partial:
    logs = {topic: Log(0, 0, 0) for topic in (PRICES, FLOWS)}
    partition = Partition(UNIVERSE, ACME_PARTITION, token=1, logs=logs)
    # The number of a source is the order of its first use, and no part of the state.
    for source in ("", "a", "b"):
        partition.book.source_index(source)
    for batch in batches:
        for topic in (PRICES, FLOWS):
            records = [FakeRecord(value, 0, APPENDED_MS) for name, value in batch if name == topic]
            if records:
                partition.take(topic, records)
    return partition.book.partial()


@given(st.data(), st.lists(events, min_size=1, max_size=12))
def test_the_partial_depends_on_the_events_alone(
    data: st.DataObject, sent: list[tuple[str, bytes]]
) -> None:
    once = partial_after([sent])
    repeats = data.draw(st.lists(st.sampled_from(sent), max_size=6))
    shuffled = data.draw(st.permutations([*sent, *repeats]))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(shuffled)), max_size=4)))

    bounds = [0, *cuts, len(shuffled)]
    batches = [shuffled[start:stop] for start, stop in pairwise(bounds)]
    again = partial_after(batches)

    assert_same_partial(again, once)
