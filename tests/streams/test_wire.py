import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sessions import NO_SESSION
from streams.parts import MAX_SOURCES
from streams.wire import Decoded, flow_columns, price_columns
from tests.support.decoders import decoders
from tests.support.records import (
    APPENDED_MS,
    TIME,
    TIME_NS,
    FakeRecord,
    event,
    flow,
    heartbeat,
    price,
    records,
)

MINUTE_NS = 60 * 10**9

BAD_PRICES = [
    (b"", "empty"),
    (None, "empty"),
    (b" " * 65_537, "too_long"),
    (b'{"symbol": "ACME"', "malformed"),
    (b"[]", "malformed"),
    (b"7", "malformed"),
    (b'{"symbol": "ACME"} {}', "malformed"),
    (b'{"symbol": "AC\xffME", "event_time": 1, "price": 1}', "not_utf8"),
    (b'{"symbol": "ACME", "event_time": 1, "price": 1, "x": "\xff"}', "not_utf8"),
    (event(event_time=TIME_NS, price=1.0), "missing_key"),
    (event(symbol="ACME", event_time=TIME_NS), "missing_key"),
    (event(symbol="ACME", price=1.0), "missing_key"),
    (price(price=None), "missing_key"),
    (price(""), "bad_symbol"),
    (price(7), "bad_symbol"),
    (price(price=0.0), "bad_price"),
    (price(price=-1.0), "bad_price"),
    (price(price=float("nan")), "bad_price"),
    (price(price=float("inf")), "bad_price"),
    (price(price="100"), "bad_price"),
    (price(price=True), "bad_price"),
    (b'{"symbol": "ACME", "event_time": 1782223200000000000, "price": 1e400}', "bad_price"),
    (price(event_time="2026-06-23T10:00:00"), "naive_time"),
    (price(event_time="yesterday"), "bad_event_time"),
    (price(event_time=TIME_NS // 10**9), "bad_event_time"),
    (price(event_time=2**70), "bad_event_time"),
    (price(event_time=float(TIME_NS)), "bad_event_time"),
    (price(event_time=True), "bad_event_time"),
    (price(event_time=APPENDED_MS * 10**6 + MINUTE_NS + 1), "future"),
    (price(kind="auction"), "bad_kind"),
    (price(sequence=1.5), "bad_sequence"),
    (price(sequence=2**62), "bad_sequence"),
    (price(sequence=2**70), "bad_sequence"),
    (price(source=7), "bad_source"),
    (price(source="s" * 65), "bad_source"),
    (price(volume=-1), "bad_volume"),
    (price(volume="1"), "bad_volume"),
    (price("BOLT"), "misrouted"),
    (flow(), "wrong_topic"),
    (event(heartbeat="s"), "missing_key"),
    (event(heartbeat=7, event_time=TIME_NS), "bad_heartbeat"),
    (heartbeat("s", TIME_NS + 2 * MINUTE_NS), "future"),
    (heartbeat("s" * 65), "bad_source"),
]

BAD_FLOWS = [
    (flow(net_creation_usd=float("nan")), "bad_net_creation_usd"),
    (flow(net_creation_usd=float("-inf")), "bad_net_creation_usd"),
    (flow(net_creation_usd="1"), "bad_net_creation_usd"),
    (flow(session="23.06.2026"), "bad_session"),
    (flow(session="2026-06-31"), "bad_session"),
    (flow(session=20627), "bad_session"),
    (flow("BOLU"), "misrouted"),
    (price(), "wrong_topic"),
]


def accepted(decoded: Decoded) -> int:
    return 0 if decoded.part is None else len(decoded.part.code)


@pytest.mark.parametrize(("value", "reason"), BAD_PRICES)
def test_a_bad_price_is_rejected_with_its_reason_and_its_neighbours_are_not(
    value: bytes | None, reason: str
) -> None:
    decoded = decoders().prices.decode(records(price(), value, price()))

    assert accepted(decoded) == 2
    (reject,) = decoded.rejects
    assert (reject.reason, reject.offset, reject.row) == (reason, 1, 0)
    assert reject.raw == (value or b"")
    assert reject.message.startswith("expected ")


@pytest.mark.parametrize(("value", "reason"), BAD_FLOWS)
def test_a_bad_creation_is_rejected_with_its_reason(value: bytes, reason: str) -> None:
    decoded = decoders().flows.decode(records(flow(), value))

    assert accepted(decoded) == 1
    assert [reject.reason for reject in decoded.rejects] == [reason]


@pytest.mark.parametrize(
    "value",
    [
        price("ELSE"),
        price("ELSE", price=-1.0),
        event(symbol="ELSE", event_time="never", price="none"),
        event(symbol="ELSE"),
    ],
)
def test_symbols_outside_the_universe_are_counted_whatever_else_they_say(value: bytes) -> None:
    decoded = decoders().prices.decode(records(price(), value))

    assert (accepted(decoded), decoded.unknown, decoded.rejects) == (1, 1, [])


def test_every_optional_key_arrives() -> None:
    world = decoders()
    batch = records(
        price(price=90.0, sequence=7, source="b", kind="official_close", volume=5.0),
        price(price=91.0, event_time=TIME, source=None, sequence=None, kind=None, volume=None),
    )

    decoded = world.prices.decode(batch)

    assert decoded.part is not None
    columns = price_columns(decoded.part, world.prices.routes)
    assert columns.reference.tolist() == [0, 0]
    assert columns.event_ns.tolist() == [TIME_NS, TIME_NS]
    assert columns.price.tolist() == [90.0, 91.0]
    assert columns.sequence.tolist() == [7, 0]
    assert columns.source.tolist() == [
        world.book.source_index("b"),
        world.book.source_index(""),
    ]
    assert columns.official.tolist() == [True, False]


def test_a_creation_names_its_session_or_none() -> None:
    world = decoders()

    decoded = world.flows.decode(records(flow(session="2026-06-22"), flow("ACMD", -5.0)))

    assert decoded.part is not None
    columns = flow_columns(decoded.part, world.flows.routes)
    assert columns.label.tolist() == [20_626, NO_SESSION]
    assert columns.net_creation_usd.tolist() == [1e6, -5.0]
    assert [int(world.book.funds[row]) for row in columns.fund] == [0, 1]


def test_another_listing_prices_its_reference_times_the_factor() -> None:
    world = decoders()

    decoded = world.prices.decode(records(price("ACME.X", 180.0), price(price=91.0)))

    assert decoded.part is not None
    columns = price_columns(decoded.part, world.prices.routes)
    assert columns.price.tolist() == [90.0, 91.0]
    assert columns.reference.tolist() == [0, 0]


@pytest.mark.parametrize("time", [TIME_NS, TIME])
def test_a_heartbeat_carries_its_source_and_kafkas_time(time: object) -> None:
    world = decoders()

    decoded = world.prices.decode(records(price(), heartbeat("feed", time)))

    source = world.book.source_index("feed")
    assert decoded.heartbeats == [(source, TIME_NS, APPENDED_MS * 10**6)]
    assert (accepted(decoded), decoded.rejects) == (1, [])


def test_each_event_is_measured_against_its_own_record() -> None:
    late = FakeRecord(price(event_time=TIME_NS + 2 * MINUTE_NS), 0, APPENDED_MS + 120_000)
    early = FakeRecord(price(event_time=TIME_NS + 2 * MINUTE_NS), 1, APPENDED_MS)

    decoded = decoders().prices.decode([late, early])

    assert [(reject.reason, reject.offset) for reject in decoded.rejects] == [("future", 1)]


def test_a_field_full_of_ids_does_not_become_a_source_an_event() -> None:
    world = decoders()
    batch = records(*(price(source=f"id-{number}") for number in range(MAX_SOURCES + 5)))

    decoded = world.prices.decode(batch)

    assert accepted(decoded) == MAX_SOURCES
    assert {reject.reason for reject in decoded.rejects} == {"bad_source"}


def test_a_line_break_inside_a_record_does_not_shift_the_records_after_it() -> None:
    two = price(price=90.0) + b"\n" + price(price=91.0)

    decoded = decoders().prices.decode(records(two, price(price=92.0), b"", price(price=93.0)))

    assert decoded.part is not None
    assert decoded.part.figure.tolist() == [92.0, 93.0]
    assert {reject.offset: reject.reason for reject in decoded.rejects} == {
        0: "malformed",
        2: "empty",
    }


pieces = st.sampled_from(
    [
        price(),
        price(price=2.0, sequence=3),
        price("ELSE"),
        price("BOLT"),
        price(price=-1.0),
        price(event_time=TIME),
        heartbeat(),
        b"",
        b"{",
        b"}",
        b"\n",
        b'{"symbol": "ACME", "event_time":',
        b'1782223200000000000, "price": 5}',
        b'{"x": "',
        b'"}',
        b'{"x": [{}',
        b"\xff\xff\xff\xff",
        b"\xfe",
    ]
)


@given(st.lists(st.lists(pieces, max_size=3).map(b"".join), min_size=1, max_size=6))
def test_a_batch_decodes_as_its_records_do_one_by_one(values: Sequence[bytes]) -> None:
    batch = records(*values)
    together = decoders().prices.decode(batch)
    alone = decoders().prices

    singles = [alone.decode([record]) for record in batch]

    figures = [single.part.figure for single in singles if single.part is not None]
    whole = [] if together.part is None else sorted(together.part.figure.tolist())
    assert whole == sorted(np.concatenate([*figures, []]).tolist())
    assert together.unknown == sum(single.unknown for single in singles)
    assert len(together.heartbeats) == sum(len(single.heartbeats) for single in singles)
    reasons = {(r.offset, r.reason, r.raw) for single in singles for r in single.rejects}
    assert {(r.offset, r.reason, r.raw) for r in together.rejects} == reasons


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise(value: bytes) -> None:
    decoded = decoders().prices.decode(records(value, price()))

    assert accepted(decoded) >= 1


@given(
    st.dictionaries(
        st.sampled_from(
            ["symbol", "event_time", "price", "source", "sequence", "kind", "volume", "heartbeat"]
        ),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.sampled_from(["ACME", "", TIME, "trade", "official_close"]),
            st.lists(st.none(), max_size=1),
        ),
    )
)
def test_no_values_at_all_raise(keys: dict[str, object]) -> None:
    decoded = decoders().prices.decode(records(json.dumps(keys).encode()))

    found = accepted(decoded) + decoded.unknown + len(decoded.heartbeats) + len(decoded.rejects)
    assert found == 1
