"""Open interest on the wire: levels of contracts, from JSON and frames alike, judged one by one."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from core.book import Book
from core.sessions import NO_SESSION
from core.universe import Universe
from streams.event_kinds import session_label
from streams.frames import encode_frame
from streams.interest_events import InterestDecoder
from streams.routes import references_of
from streams.topics import PARTITIONS
from tests.support.decoders import ACME_PARTITION, FUNDS, REFERENCES
from tests.support.interest import level
from tests.support.records import TIME_NS, heartbeat, records
from tests.support.universes import universe_from

INDEX = {"symbol": "XACM", "reference": "ACME", "kind": "option", "factor": 0.1}


def universe() -> Universe:
    return universe_from(references=REFERENCES, funds=FUNDS, listings=[INDEX])


def decoder() -> InterestDecoder:
    tables = universe()
    book = Book(tables, references_of(tables, ACME_PARTITION, PARTITIONS))
    return InterestDecoder(
        tables,
        book.references,
        calendar=book.calendar,
        root_index=book.options.state.root_index,
        source_index=book.options.state.source_index,
    )


def test_a_level_lies_in_columns_with_what_it_does_not_say() -> None:
    columns = decoder().decode(records(level())).columns

    assert columns is not None
    assert (columns.strike[0], columns.is_call[0], columns.open_interest[0]) == (105.0, True, 1200)
    assert (columns.multiplier[0], columns.deliverable[0]) == (100.0, 100.0)
    assert (columns.is_american[0], columns.is_cash_settled[0]) == (True, False)
    assert math.isnan(columns.forward[0])
    assert columns.label[0] == NO_SESSION
    assert columns.expiry[0] == session_label("2026-06-26")
    # At the close of the session that it expires with, 16:00 in New York.
    assert columns.settlement_ns[0] == TIME_NS + (3 * 24 + 6) * 3600 * 10**9


def test_everything_stated_is_taken() -> None:
    value = level(
        root="ACMW",
        right="P",
        settlement_time="2026-06-26T13:30:00Z",
        multiplier=10,
        deliverable=70,
        settlement="cash",
        style="european",
        forward=101.5,
        effective_at="2026-06-23",
        event_time="2026-06-23T14:00:00Z",
        source="vendor",
        dealer_sign=-0.25,
    )

    columns = decoder().decode(records(value)).columns

    assert columns is not None
    assert columns.event_ns[0] == TIME_NS
    assert columns.settlement_ns[0] == TIME_NS + (3 * 24 * 3600 - 1800) * 10**9
    assert (columns.multiplier[0], columns.deliverable[0], columns.forward[0]) == (10, 70, 101.5)
    assert (columns.is_call[0], columns.is_cash_settled[0]) == (False, True)
    assert not columns.is_american[0]
    assert columns.dealer_sign is not None
    assert columns.dealer_sign[0] == -0.25
    assert columns.label[0] == session_label("2026-06-23")


def test_options_on_a_listing_are_put_in_terms_of_the_reference() -> None:
    value = level(underlying="XACM", strike=1050.0, forward=1001.0)

    columns = decoder().decode(records(value)).columns

    assert columns is not None
    assert columns.strike[0] == pytest.approx(105.0)
    assert columns.forward[0] == pytest.approx(100.1)
    # A tenth of the price, ten times the units; the same figure twice: no adjusted contract.
    assert columns.multiplier[0] == columns.deliverable[0] == pytest.approx(1000.0)


def test_a_frame_holds_the_same_as_json() -> None:
    objects = [
        json.loads(level()),
        json.loads(level(strike=110.0, right="put", forward=99.0, dealer_sign=1)),
    ]
    names = list(objects[1])
    frame = pa.RecordBatch.from_pydict(
        {name: [each.get(name) for each in objects] for name in names}
    )

    of_json = decoder().decode(records(*(json.dumps(each).encode() for each in objects))).columns
    of_frame = decoder().decode(records(encode_frame(frame))).columns

    assert of_json is not None
    assert of_frame is not None
    for name, column in vars(of_json).items():
        np.testing.assert_array_equal(getattr(of_frame, name), column, err_msg=name)


def test_a_contract_that_expires_without_a_session_settles_with_the_one_before() -> None:
    decode = decoder().decode
    friday, saturday = (
        decode(records(level(expiry=day))).columns for day in ("2026-06-26", "2026-06-27")
    )

    assert friday is not None
    assert saturday is not None
    assert friday.settlement_ns[0] == saturday.settlement_ns[0]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b"", "empty"),
        (level(strike="-"), "missing_key"),
        (level(strike=0), "bad_strike"),
        (level(dealer_sign=1.5), "bad_dealer_sign"),
        (level(dealer_sign="long"), "bad_dealer_sign"),
        (level(strike="high"), "bad_strike"),
        (level(right="straddle"), "bad_right"),
        (level(right=""), "bad_right"),
        (level(expiry="June"), "bad_expiry"),
        (level(expiry=""), "bad_expiry"),
        (level(open_interest=-1), "bad_open_interest"),
        (level(open_interest=1e300), "bad_open_interest"),
        (level(open_interest="-", implied_volatility="-"), "missing_key"),
        (level(implied_volatility=-0.2), "bad_implied_volatility"),
        (level(event_time="noon"), "bad_event_time"),
        (level(event_time=TIME_NS + 10**12), "future"),
        (level(settlement_time="close"), "bad_settlement_time"),
        (level(multiplier=0), "bad_multiplier"),
        (level(settlement="barter"), "bad_settlement"),
        (level(style="asian"), "bad_style"),
        (level(effective_at="soon"), "bad_session"),
        (level(underlying=""), "bad_underlying"),
        (level(underlying="BOLT"), "misrouted"),
        (level(source="x" * 65), "bad_source"),
    ],
)
def test_what_is_no_level_says_why_and_harms_no_other(value: bytes, reason: str) -> None:
    decoded = decoder().decode(records(value, level()))

    assert [reject.reason for reject in decoded.rejects] == [reason]
    assert decoded.columns is not None
    assert len(decoded.columns) == 1


def test_a_bad_row_of_a_frame_is_kept_by_itself() -> None:
    objects = [json.loads(level()), json.loads(level(strike=-1.0))]
    frame = pa.RecordBatch.from_pylist(objects)

    decoded = decoder().decode(records(encode_frame(frame)))

    (reject,) = decoded.rejects
    assert (reject.reason, reject.row) == ("bad_strike", 1)
    assert pa.ipc.open_stream(reject.raw).read_all().num_rows == 1
    assert decoded.columns is not None
    assert len(decoded.columns) == 1


def test_a_vendors_volatility_of_zero_is_unknown() -> None:
    columns = decoder().decode(records(level(implied_volatility=0))).columns

    assert columns is not None
    assert math.isnan(columns.implied_volatility[0])
    assert columns.open_interest[0] == 1200


def test_heartbeats_and_other_underlyings_are_counted() -> None:
    decoded = decoder().decode(records(heartbeat("vendor"), level(underlying="ELSE")))

    assert (decoded.heartbeats, decoded.unknown, decoded.rejects) == (1, 1, [])
    assert decoded.columns is None
