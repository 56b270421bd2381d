"""Volumes on the wire: which of them reach the book."""

import numpy as np
import pyarrow as pa

from core.columns import PriceColumns
from streams.frames import encode_frame
from streams.wire import price_columns
from tests.support.decoders import decoders
from tests.support.records import TIME_NS, price, records


def columns_of(*values: bytes) -> PriceColumns:
    decoder = decoders().prices
    part = decoder.decode(records(*values)).part
    assert part is not None
    return price_columns(part, decoder.routes)


def test_volumes_of_a_references_own_symbol_reach_the_book() -> None:
    frame = encode_frame(
        pa.record_batch(
            {
                "symbol": ["ACME", "ACME", "ACME.X"],
                "event_time": [TIME_NS] * 3,
                "price": [100.0, 101.0, 202.0],
                "volume": [30.0, None, 40.0],
            }
        )
    )
    plain = (price(volume=10.0), price("ACME.X", volume=20.0), price(), price(volume=None))

    in_json = columns_of(*plain).volume
    in_frame = columns_of(frame).volume

    # A listing counts units of another instrument; 0 says as little as NaN.
    assert in_json is not None
    np.testing.assert_array_equal(in_json, [10.0, np.nan, 0.0, 0.0])
    assert in_frame is not None
    np.testing.assert_array_equal(in_frame, [30.0, np.nan, np.nan])


def test_a_batch_without_volumes_has_no_column_of_them() -> None:
    assert columns_of(price(), price()).volume is None
    assert columns_of(price("ACME.X"), price(volume=0)).volume is None
