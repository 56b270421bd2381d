"""Volumes of bars: the gateway's records and the offline replay say the same."""

from pathlib import Path

import numpy as np

from core.book import Book
from services.event_files import ReadOptions, read_flows, read_prices, rows_of
from services.gateway_events import EventRouter, Events
from services.gateway_records import PriceRecord
from services.offline_events import offline_feed
from tests.support.decoders import small_universe
from tests.support.option_lines import no_levels
from tests.support.records import TIME_NS

MINUTE_NS = 60 * 10**9
DAY_NS = 1440 * MINUTE_NS
BARS = [
    ("ACME", TIME_NS, 10.0),
    ("BOLT", TIME_NS, 7.0),
    ("ACME.X", TIME_NS, 1000.0),
    ("ACME", TIME_NS + 10 * MINUTE_NS, 5.0),
    ("ACME", TIME_NS + 5 * MINUTE_NS, 3.0),
    # Begins before the open: of no session.
    ("ACME", TIME_NS + DAY_NS - 32 * MINUTE_NS, 99.0),
    ("ACME", TIME_NS + DAY_NS, 4.0),
    ("BOLT", TIME_NS + DAY_NS, ""),
    ("BOLT", TIME_NS + DAY_NS + 5 * MINUTE_NS, 2.0),
]


def test_the_gateway_and_the_replay_add_volumes_up_alike(tmp_path: Path) -> None:
    lines = [f"{symbol},{start_ns},100,{volume}" for symbol, start_ns, volume in BARS]
    (tmp_path / "p.csv").write_text("\n".join(["symbol,event_time,price,volume", *lines]))
    (tmp_path / "f.csv").write_text("fund,event_time,net_creation_usd\n")
    prices = read_prices([tmp_path / "p.csv"], ReadOptions(bar_ns=5 * MINUTE_NS))
    flows = read_flows([tmp_path / "f.csv"], ReadOptions())
    universe = small_universe()

    router = EventRouter(universe, partitions=12, source="", adds_volumes=True)
    kept = router.of_universe(Events(prices, flows, no_levels())).events
    ordered = rows_of(kept.prices, np.argsort(kept.prices.event_ns, kind="stable"))
    sent = [
        outgoing.record
        for outgoing in router.records(kept._replace(prices=ordered))[0]
        if isinstance(outgoing.record, PriceRecord) and outgoing.record.symbol != "ACME.X"
    ]
    book = Book(universe, np.arange(len(universe.symbol), dtype=np.int32))
    feed = offline_feed(
        universe, book, prices=prices, flows=flows, interest=no_levels(), adds_volumes=True
    ).prices

    assert feed.volume is not None
    taken = [
        (universe.symbol[reference], None if np.isnan(volume) else volume)
        for reference, volume, price in zip(feed.reference, feed.volume, feed.price, strict=True)
        if price == 100.0
    ]
    assert taken == [(record.symbol, record.volume) for record in sent]
    assert [volume for symbol, volume in taken if symbol == "ACME"] == [10.0, 13.0, 18.0, 4.0]
    assert [volume for symbol, volume in taken if symbol == "BOLT"] == [7.0, None, None]
    assert np.isnan(feed.volume[feed.price != 100.0]).all()
