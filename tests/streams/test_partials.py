from dataclasses import replace

import msgspec
import numpy as np
import pytest

from core.columns import Partial
from streams.partials import FORMAT, PartialError, decode_partial, encode_partial, market_times
from streams.wire import price_columns
from tests.support.decoders import decoders
from tests.support.partials import assert_same_partial
from tests.support.records import heartbeat, price, records


def some_partial() -> Partial:
    world = decoders()
    decoded = world.prices.decode(records(price(price=90.0), heartbeat()))
    assert decoded.part is not None
    world.book.apply_prices(price_columns(decoded.part, world.prices.routes))
    for beat in decoded.heartbeats:
        world.book.market.beat(*beat)
    return world.book.partial()


def test_a_partial_comes_back_bit_for_bit() -> None:
    partial = some_partial()

    content = encode_partial(partial, universe="v1", partition=3)

    assert_same_partial(decode_partial(content, universe="v1", partition=3), partial)


def test_what_is_read_may_be_computed_with() -> None:
    content = encode_partial(some_partial(), universe="v1", partition=3)

    partial = decode_partial(content, universe="v1", partition=3)

    assert partial.price.dtype == np.float64
    partial.price[:] = 0.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "something else"),
        (b"\x80\x04K\x01.", "something else"),
        (msgspec.msgpack.encode([6, {"other": "layout"}]), "format 6"),
        (msgspec.msgpack.encode([4, "v1", 3, {}]), "format 4"),
        (msgspec.msgpack.encode([5, "v1", 3, {}]), "columns of format 5"),
    ],
)
def test_other_formats_are_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(PartialError, match=message):
        decode_partial(content, universe="v1", partition=3)


@pytest.mark.parametrize(("universe", "partition"), [("v2", 3), ("v1", 4)])
def test_rows_of_another_universe_or_partition_are_refused(universe: str, partition: int) -> None:
    content = encode_partial(some_partial(), universe="v1", partition=3)

    with pytest.raises(PartialError, match="expected"):
        decode_partial(content, universe=universe, partition=partition)


def test_market_times_are_read_whatever_the_universe() -> None:
    partial = some_partial()
    content = encode_partial(partial, universe="another", partition=3)

    assert market_times(content).tolist() == partial.market_ns.tolist()
    assert partial.market_ns.max() > 0
    with pytest.raises(PartialError, match="expected market times of format"):
        market_times(msgspec.msgpack.encode([FORMAT, "v1", 3, {}]))


def test_columns_of_unequal_length_are_refused() -> None:
    partial = some_partial()
    short = replace(partial, price=partial.price[:0])

    with pytest.raises(PartialError, match="entries in price"):
        decode_partial(
            encode_partial(short, universe="v1", partition=3), universe="v1", partition=3
        )
