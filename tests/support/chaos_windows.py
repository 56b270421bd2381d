"""A script cut into windows of a few milliseconds: the records of each, as Kafka gets them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from core.columns import Int64s
from streams.frames import encode_frame
from streams.topics import FLOWS, PARTITIONS, PRICES, partition_of
from tests.support.chaos_market import FLOW_SOURCE, PRICE_SOURCES, ChaosMarket, Flows, Prices
from tests.support.chaos_script import BadRecord, Script

FRAMED = PRICE_SOURCES.index("alpha")
WINDOW_SECONDS = 0.02

Place = tuple[str, int]
"""Topic, without the deployment's prefix, and partition."""
Values = dict[Place, list[bytes]]


@dataclass
class Window:
    """What is sent together, before the heartbeats of the market time `event_ns`.

    ``mark_ns`` is the mark that it is the last before, if it is; ``events`` is how many are
    applied; ``bad`` are the bad records among ``values``: place, position, record.
    """

    event_ns: int
    mark_ns: int | None
    events: int = 0
    values: Values = field(default_factory=dict)
    bad: list[tuple[Place, int, BadRecord]] = field(default_factory=list)

    def add(self, place: Place, value: bytes, *, events: int) -> None:
        """Append a record that holds so many good events."""
        self.values.setdefault(place, []).append(value)
        self.events += events


def heartbeats(event_ns: int) -> Values:
    """Return what says "all up to here has been sent" to every partition of `prices`."""
    values = [
        b'{"heartbeat":"%b","event_time":%d}' % (source.encode(), event_ns)
        for source in PRICE_SOURCES
    ]
    return {(PRICES, partition): values for partition in range(PARTITIONS)}


def windows_of(script: Script, *, rate: float) -> list[Window]:
    """Cut a script into windows of ``WINDOW_SECONDS`` at `rate` events a second."""
    ends, marks = _ends(script, round(rate * WINDOW_SECONDS))
    found: list[Window] = []
    event_ns = 0
    for end_ns, mark_ns in zip(ends.tolist(), marks, strict=True):
        honest_ns = end_ns if mark_ns is not None else end_ns - script.lateness_ns
        event_ns = max(event_ns, honest_ns)
        found.append(Window(event_ns, mark_ns))
    records = Records(script.market)
    first_price = np.searchsorted(script.price_arrival_ns, ends, "right").tolist()
    first_flow = np.searchsorted(script.flow_arrival_ns, ends, "right").tolist()
    for number, window in enumerate(found):
        start, flow_start = (first_price[number - 1], first_flow[number - 1]) if number else (0, 0)
        records.add_prices(window, script.prices.at(slice(start, first_price[number])))
        records.add_flows(window, script.flows.at(slice(flow_start, first_flow[number])))
    for bad in script.bad:
        window = found[int(np.searchsorted(ends, bad.arrival_ns))]
        place = (bad.topic, bad.partition)
        window.bad.append((place, len(window.values.get(place, [])), bad))
        window.add(place, bad.value, events=bad.good)
    return found


def _ends(script: Script, size: int) -> tuple[Int64s, list[int | None]]:
    """Return when each window ends, int64[n] ascending, and the mark that ends it."""
    arrivals = np.sort(np.concatenate((script.price_arrival_ns, script.flow_arrival_ns)))
    ends = np.union1d(arrivals[size - 1 :: size], script.market.marks)
    marks = set(script.market.marks)
    return ends, [end_ns if end_ns in marks else None for end_ns in ends.tolist()]


class Records:
    """Puts events into records: `alpha` sends frames, everything else is JSON."""

    def __init__(self, market: ChaosMarket) -> None:
        symbols = market.universe.symbol
        self._symbol = [symbol.encode() for symbol in symbols]
        self._fund = [fund.encode() for fund in market.universe.fund]
        self._partition = np.array([partition_of(symbol) for symbol in symbols])
        self._fund_partition = self._partition[market.universe.fund_reference]
        self._symbols = pa.array(symbols)
        self._sources = pa.array(PRICE_SOURCES)

    def add_prices(self, window: Window, prices: Prices) -> None:
        is_framed = (prices.source == FRAMED) & ~prices.official
        framed = prices.at(is_framed)
        partition = self._partition[framed.reference]
        for each in np.unique(partition).tolist():
            mine = framed.at(partition == each)
            window.add((PRICES, each), self.frame(mine), events=len(mine))
        rest = prices.at(~is_framed)
        places = [(PRICES, each) for each in self._partition[rest.reference].tolist()]
        for place, value in zip(places, self.prices_json(rest), strict=True):
            window.add(place, value, events=1)

    def add_flows(self, window: Window, flows: Flows) -> None:
        places = [(FLOWS, each) for each in self._fund_partition[flows.fund].tolist()]
        for place, value in zip(places, self.flows_json(flows), strict=True):
            window.add(place, value, events=1)

    def frame(self, prices: Prices) -> bytes:
        """Return prices of one partition as a frame."""
        columns = {
            "symbol": pa.DictionaryArray.from_arrays(
                pa.array(prices.reference.astype(np.int16)), self._symbols
            ),
            "event_time": pa.array(prices.event_ns),
            "price": pa.array(prices.price),
            "sequence": pa.array(prices.sequence),
            "source": pa.DictionaryArray.from_arrays(
                pa.array(prices.source.astype(np.int8)), self._sources
            ),
            "volume": pa.array(prices.volume),
        }
        return encode_frame(pa.record_batch(columns))

    def prices_json(self, prices: Prices) -> Iterator[bytes]:
        """Yield each price as a JSON object."""
        columns = (
            prices.reference,
            prices.event_ns,
            prices.price,
            prices.sequence,
            prices.source,
            prices.official,
            prices.volume,
        )
        for symbol, time_ns, price, sequence, source, is_official, volume in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            kind = b',"kind":"official_close"' if is_official else b',"volume":%d' % volume
            yield (
                b'{"symbol":"%b","event_time":%d,"price":%.4f,"sequence":%d,"source":"%b"%b}'
            ) % (
                self._symbol[symbol],
                time_ns,
                price,
                sequence,
                PRICE_SOURCES[source].encode(),
                kind,
            )

    def flows_json(self, flows: Flows) -> Iterator[bytes]:
        """Yield each creation as a JSON object."""
        sessions = np.datetime_as_string(flows.label.astype("datetime64[D]")).tolist()
        columns = (flows.fund, flows.event_ns, flows.net_creation_usd, flows.sequence)
        for fund, time_ns, amount, sequence, session in zip(
            *(column.tolist() for column in columns), sessions, strict=True
        ):
            yield (
                b'{"fund":"%b","event_time":%d,"net_creation_usd":%.1f,"sequence":%d,'
                b'"source":"%b","session":"%b"}'
            ) % (
                self._fund[fund],
                time_ns,
                amount,
                sequence,
                FLOW_SOURCE.encode(),
                session.encode(),
            )
