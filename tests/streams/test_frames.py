from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sessions import NO_SESSION
from streams.frames import MAX_ROWS, encode_frame
from streams.wire import Decoded, flow_columns
from tests.support.decoders import decoders
from tests.support.records import APPENDED_MS, TIME, TIME_NS, price, records

TEXT_TIME = pa.array([TIME])
SYMBOLS = ("ACME", "ACME.X", "BOLT", "ELSE")


def frame(**columns: object) -> bytes:
    """Return a frame of columns; a column given as None is left out."""
    default = {"symbol": ["ACME"], "event_time": [TIME_NS], "price": [100.0]}
    chosen = {name: column for name, column in (default | columns).items() if column is not None}
    return encode_frame(pa.record_batch(chosen))


def reasons(decoded: Decoded) -> dict[int, str]:
    return {reject.row: reject.reason for reject in decoded.rejects}


def test_a_frame_says_the_same_as_its_rows_as_json() -> None:
    columns: dict[str, list[object]] = {
        "symbol": ["ACME", "ACME.X", "ACME"],
        "event_time": [TIME_NS, TIME_NS + 1, TIME_NS + 2],
        "price": [90.0, 180.0, 92.0],
        "sequence": [3, 2, 1],
        "source": ["a", "b", "a"],
        "kind": ["trade", "official_close", "trade"],
        "volume": [1.0, 2.0, 3.0],
    }
    rows = [
        price(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)
    ]

    framed = decoders().prices.decode(records(frame(**columns)))
    plain = decoders().prices.decode(records(*rows))

    assert framed.part is not None
    assert plain.part is not None
    for name in ("code", "event_ns", "figure", "sequence", "source", "extra"):
        np.testing.assert_array_equal(getattr(framed.part, name), getattr(plain.part, name))


@pytest.mark.parametrize(
    "columns",
    [
        {"symbol": pa.array(["ACME"]).dictionary_encode()},
        {"symbol": pa.array(["ACME"], pa.large_string())},
        {"symbol": pa.DictionaryArray.from_arrays(pa.array([1], pa.int8()), ["x", "ACME"])},
        {"event_time": pa.array([TIME_NS], pa.timestamp("ns", "America/New_York"))},
        {"event_time": pa.array([TIME_NS // 1000], pa.timestamp("us", "UTC"))},
        {"event_time": pa.array([TIME_NS], pa.uint64())},
        {"event_time": TEXT_TIME},
        {"event_time": TEXT_TIME.dictionary_encode()},
        {"price": pa.array([100])},
        {"price": pa.array([100.0], pa.float32())},
        {"price": pa.array([Decimal("100.00")])},
        {"sequence": pa.array([None], pa.int64()), "source": pa.array([None], pa.string())},
        {"kind": pa.array([None], pa.string()), "volume": pa.array([None], pa.float64())},
        {"sequence": pa.array([3], pa.uint8())},
        {"note": pa.array([[1, 2]])},
    ],
    ids=lambda columns: ",".join(f"{name}:{column.type}" for name, column in columns.items()),
)
def test_columns_may_have_any_type_that_says_the_same(columns: dict[str, object]) -> None:
    decoded = decoders().prices.decode(records(frame(**columns)))

    assert decoded.rejects == []
    assert decoded.part is not None
    assert decoded.part.figure.tolist() == [100.0]
    assert decoded.part.event_ns.tolist() == [TIME_NS]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"symbol": [1]}, "bad_symbol"),
        ({"price": ["100"]}, "bad_price"),
        ({"price": [True]}, "bad_price"),
        ({"event_time": [float(TIME_NS)]}, "bad_event_time"),
        ({"event_time": pa.array([TIME_NS], pa.timestamp("ns"))}, "naive_time"),
        ({"sequence": [1.0]}, "bad_sequence"),
        ({"source": [1]}, "bad_source"),
        ({"kind": [1]}, "bad_kind"),
        ({"volume": ["1"]}, "bad_volume"),
        ({"price": None}, "missing_key"),
        ({"event_time": None}, "missing_key"),
        ({"symbol": None}, "missing_key"),
        ({"symbol": None, "fund": ["ACMU"]}, "wrong_topic"),
        ({"symbol": None, "heartbeat": ["s"], "event_time": None}, "missing_key"),
        ({"symbol": None, "heartbeat": [1]}, "bad_heartbeat"),
    ],
)
def test_a_frame_with_a_column_that_cannot_be_is_one_reject(
    columns: dict[str, object], reason: str
) -> None:
    value = frame(**columns)

    decoded = decoders().prices.decode(records(value))

    (reject,) = decoded.rejects
    assert (reject.reason, reject.row, reject.raw) == (reason, 0, value)
    assert decoded.part is None


def test_each_bad_row_of_a_frame_is_a_reject_of_its_own() -> None:
    value = frame(
        symbol=["ACME", "ELSE", "BOLT", None, "ACME", "ACME", "ACME", "ACME", ""],
        event_time=[TIME_NS, 5, TIME_NS, TIME_NS, None, 5, TIME_NS + 10**12, TIME_NS, TIME_NS],
        price=[1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, float("nan"), 1.0],
    )

    decoded = decoders().prices.decode(records(price(), value))

    assert reasons(decoded) == {
        2: "misrouted",
        3: "missing_key",
        4: "missing_key",
        5: "bad_event_time",
        6: "future",
        7: "bad_price",
        8: "bad_symbol",
    }
    assert {reject.offset for reject in decoded.rejects} == {1}
    assert decoded.unknown == 1
    assert decoded.part is not None
    assert decoded.part.figure.tolist() == [1.0, 100.0]


def test_a_bad_row_is_kept_as_a_frame_that_fails_alike() -> None:
    value = frame(
        symbol=pa.array(["ACME", "ACME"]).dictionary_encode(),
        event_time=[TIME_NS, TIME_NS],
        price=[1.0, -1.0],
    )
    (reject,) = decoders().prices.decode(records(value)).rejects

    (again,) = decoders().prices.decode(records(reject.raw)).rejects

    assert (again.reason, again.message) == (reject.reason, reject.message)
    assert pa.ipc.open_stream(reject.raw).read_all().num_rows == 1


def test_sessions_are_dates_or_texts() -> None:
    world = decoders()
    fund = {"symbol": None, "price": None, "fund": ["ACMU", "ACMD"], "event_time": [TIME_NS] * 2}
    dates = frame(**fund, net_creation_usd=[1, 2], session=pa.array([20_626, None], pa.date32()))
    texts = frame(**fund, net_creation_usd=[1, 2], session=["2026-06-22", None])

    decoded = world.flows.decode(records(dates, texts))

    assert decoded.part is not None
    labels = flow_columns(decoded.part, world.flows.routes).label.tolist()
    assert labels == [20_626, NO_SESSION] * 2


def test_heartbeats_come_as_frames_too() -> None:
    world = decoders()
    value = frame(symbol=None, price=None, heartbeat=["a", "b"], event_time=[TIME_NS, TIME_NS + 1])

    decoded = world.prices.decode(records(value))

    beat_ns = APPENDED_MS * 10**6
    assert decoded.heartbeats == [
        (world.book.source_index("a"), TIME_NS, beat_ns),
        (world.book.source_index("b"), TIME_NS + 1, beat_ns),
    ]


def test_two_batches_or_too_many_rows_are_no_frame() -> None:
    batch = pa.record_batch({"symbol": ["ACME"], "event_time": [TIME_NS], "price": [1.0]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch)
    long = encode_frame(pa.record_batch({"price": pa.nulls(MAX_ROWS + 1)}))

    decoded = decoders().prices.decode(records(sink.getvalue().to_pybytes(), long))

    assert [reject.reason for reject in decoded.rejects] == ["bad_frame", "bad_frame"]


def test_a_frame_over_64_kib_is_too_long() -> None:
    rows = 5_000
    value = frame(symbol=["ACME"] * rows, event_time=[TIME_NS] * rows, price=np.ones(rows))

    (reject,) = decoders().prices.decode(records(value)).rejects

    assert reject.reason == "too_long"


@given(st.data())
def test_a_truncated_frame_is_a_reject(data: st.DataObject) -> None:
    value = frame(symbol=["ACME"] * 3, event_time=[TIME_NS] * 3, price=[1.0, 2.0, 3.0])
    whole = pa.ipc.open_stream(value).read_all().nbytes
    length = data.draw(st.integers(4, len(value) - whole))

    decoded = decoders().prices.decode(records(price(), value[:length]))

    assert [(reject.reason, reject.offset) for reject in decoded.rejects] == [("bad_frame", 1)]
    assert decoded.part is not None
    assert decoded.part.figure.tolist() == [100.0]


@given(
    place=st.integers(4, 10_000),
    patch=st.binary(min_size=1, max_size=8),
    encoded=st.booleans(),
)
def test_a_damaged_frame_never_raises(place: int, patch: bytes, *, encoded: bool) -> None:
    symbols = pa.array(SYMBOLS)
    value = bytearray(
        frame(
            symbol=symbols.dictionary_encode() if encoded else symbols,
            event_time=[TIME_NS] * 4,
            price=[1.0, 2.0, 3.0, 4.0],
            source=["a", None, "b", "a"],
        )
    )
    start = 4 + place % (len(value) - 4)
    value[start : start + len(patch)] = patch

    decoders().prices.decode(records(bytes(value), price()))
