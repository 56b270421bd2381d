"""What leaves the gateway: bounded records that workers read as they were meant."""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.book import Book
from services.event_files import ReadOptions
from services.gateway_metrics import GatewayMetrics
from services.gateway_outlet import Outlet
from services.gateway_records import FlowRecord, Outgoing, PriceRecord, Record
from services.offline_interest import interest_columns
from services.option_events import read_open_interest
from services.option_records import OpenInterestRecord, open_interest_records
from services.rejects import Reject
from streams.event_kinds import FLOW, PRICE, EventKind
from streams.interest_events import InterestDecoder
from streams.routes import Routes, flow_routes, price_routes, references_of
from streams.topics import DEAD_LETTERS, FLOWS, MAX_EVENT_BYTES, OPEN_INTEREST, PRICES, partition_of
from streams.wire import EventDecoder, flow_columns, price_columns
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe
from tests.support.option_lines import json_file, level
from tests.support.recording_producer import RecordingProducer, Sent

UNIVERSE = core_universe([Ref("ACME")], [Fund("ACMU", "ACME", [])])
ACME = partition_of("ACME")
NOW = at(0, 1)
TOPICS = {PriceRecord: PRICES, FlowRecord: FLOWS, OpenInterestRecord: OPEN_INTEREST}


@dataclass(frozen=True)
class Polled:
    value: bytes
    offset: int
    timestamp: int


def outgoing(record: Record, *, line: int = 1) -> Outgoing:
    return Outgoing(TOPICS[type(record)], ACME, b"ACME", record, "prices.csv", line)


def beats(*sources: str) -> dict[str, set[str]]:
    return {topic: set(sources) for topic in TOPICS.values()}


def prices(count: int, *, source: str = "gateway") -> list[Outgoing]:
    return [
        outgoing(PriceRecord("ACME", NOW + place, 100.0 + place, source, sequence=place))
        for place in range(count)
    ]


def polled(sent: list[Sent]) -> list[Polled]:
    return [Polled(each.value, place, NOW // 10**6 + 1) for place, each in enumerate(sent)]


def decoder(kind: EventKind, routes: Routes) -> EventDecoder:
    names = ["", "gateway", "tape"]
    return EventDecoder(kind, routes, names.index)


@pytest.mark.parametrize("frame_rows", [0, 7])
def test_workers_read_prices_as_they_were_sent(frame_rows: int) -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12, frame_rows=frame_rows)
    for each in prices(20, source="tape"):
        outlet.send(each)
    official = PriceRecord("ACME", NOW + 20, 99.0, "gateway", volume=5.0, kind="official_close")
    outlet.send(outgoing(official))
    outlet.heartbeat(beats("gateway", "tape"), NOW + 20)
    routes = price_routes(UNIVERSE, references_of(UNIVERSE, ACME, 12))

    decoded = decoder(PRICE, routes).decode(polled(producer.on(PRICES, ACME)))

    assert decoded.rejects == []
    assert decoded.part is not None
    columns = price_columns(decoded.part, routes)
    order = np.argsort(columns.event_ns)
    assert columns.event_ns[order].tolist() == [NOW + place for place in range(21)]
    assert columns.price[order].tolist() == [*(100.0 + place for place in range(20)), 99.0]
    assert columns.sequence[order].tolist() == [*range(20), 0]
    assert columns.source[order].tolist() == [2] * 20 + [1]
    assert columns.official[order].tolist() == [False] * 20 + [True]
    assert [beat[:2] for beat in decoded.heartbeats] == [(1, NOW + 20), (2, NOW + 20)]


@pytest.mark.parametrize("frame_rows", [0, 7])
def test_workers_read_creations_as_they_were_sent(frame_rows: int) -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12, frame_rows=frame_rows)
    outlet.send(outgoing(FlowRecord("ACMU", NOW, -5.5, "gateway", session="2024-10-04")))
    outlet.send(outgoing(FlowRecord("ACMU", NOW + 1, 7.0, "gateway", sequence=3)))
    outlet.heartbeat(beats("gateway"), NOW + 1)
    routes = flow_routes(UNIVERSE, np.array([0], np.int32))

    decoded = decoder(FLOW, routes).decode(polled(producer.on(FLOWS, ACME)))

    assert decoded.rejects == []
    assert decoded.part is not None
    columns = flow_columns(decoded.part, routes)
    assert columns.net_creation_usd.tolist() == [-5.5, 7.0]
    assert columns.label[0] == FIRST
    assert columns.label[1] < 0
    assert columns.sequence.tolist() == [0, 3]


@pytest.mark.parametrize("frame_rows", [0, 7])
def test_workers_read_open_interest_as_it_was_sent(tmp_path: Path, frame_rows: int) -> None:
    adjusted = level(strike=105.5, right="put", deliverable=70, settlement="cash", style="european")
    stated = level(forward=101.25, effective_at="2026-06-22", settlement_time="open", source="v",
                   dealer_sign=-0.5)  # fmt: skip
    unknown = level(strike=95.0, implied_volatility=0)
    events = read_open_interest(
        [json_file(tmp_path / "oi.jsonl", [adjusted, stated, unknown])], ReadOptions()
    )
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12, frame_rows=frame_rows)
    for record in open_interest_records(events, np.arange(3), source="gateway"):
        outlet.send(outgoing(record))
    outlet.heartbeat(beats("gateway"), int(events.event_ns[0]))
    book = Book(UNIVERSE, np.array([0], np.int32))
    state = book.options.state
    decoder = InterestDecoder(
        UNIVERSE,
        book.references,
        calendar=book.calendar,
        root_index=state.root_index,
        source_index=state.source_index,
    )

    decoded = decoder.decode(
        [
            Polled(each.value, place, int(events.event_ns[0]) // 10**6 + 1)
            for place, each in enumerate(producer.on(OPEN_INTEREST, ACME))
        ]
    )

    assert (decoded.rejects, decoded.unknown, decoded.heartbeats) == ([], 0, 1)
    assert decoded.columns is not None
    expected = interest_columns(UNIVERSE, Book(UNIVERSE, book.references), events)
    for name, column in vars(expected).items():
        if name not in {"root", "source"}:
            np.testing.assert_array_equal(getattr(decoded.columns, name), column, name)
    assert [state.sources[code] for code in decoded.columns.source] == ["gateway", "v", "gateway"]
    assert [state.roots[code] for code in decoded.columns.root] == ["ACME"] * 3


def test_a_frame_leaves_when_it_is_full_and_before_a_heartbeat() -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12, frame_rows=2)

    for each in prices(3):
        outlet.send(each)
    full = len(producer.sent)
    outlet.heartbeat(beats("gateway"), NOW)

    assert full == 1
    assert b"heartbeat" not in producer.on(PRICES, ACME)[1].value
    assert b"heartbeat" in producer.on(PRICES, ACME)[2].value
    assert outlet.counts.rows == 3


def test_a_frame_above_the_limit_is_divided() -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12, frame_rows=5000)

    for each in prices(5000):
        outlet.send(each)

    assert len(producer.sent) > 1
    assert max(len(each.value) for each in producer.sent) <= MAX_EVENT_BYTES
    assert outlet.counts.rows == 5000


@pytest.mark.parametrize("frame_rows", [0, 5])
def test_a_record_above_the_limit_is_a_dead_letter(frame_rows: int) -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12, frame_rows=frame_rows)

    outlet.send(outgoing(PriceRecord("ACME", NOW, 1.0, "x" * MAX_EVENT_BYTES), line=9))
    outlet.flush()

    assert producer.on(PRICES, ACME) == []
    letter = producer.on(DEAD_LETTERS, 0)[0].json()
    assert (letter["reason"], letter["file"], letter["line"]) == ("too_long", "prices.csv", 9)
    assert letter["length"] > MAX_EVENT_BYTES
    assert outlet.counts.rejected == {"too_long": 1}
    assert producer.flushed == 1


def test_a_dead_letter_holds_the_row() -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12)

    outlet.reject(Reject.of(b"ACME,\xff,1", reason="not_utf8", file="a.csv", line=3))

    sent = producer.sent[0]
    letter = sent.json()
    assert sent.key == b"a.csv:3"
    assert b64decode(letter["raw"]) == b"ACME,\xff,1"
    assert letter["length"] == 8


def test_metrics_follow_the_counts() -> None:
    producer = RecordingProducer()
    outlet = Outlet(producer, partitions=12)
    metrics = GatewayMetrics()
    for each in prices(2):
        outlet.send(each)
    metrics.show(outlet)
    outlet.send(prices(1)[0])
    outlet.counts.skipped += 4
    outlet.reject(Reject.of(b"", reason="bad_price", file="a.csv", line=3))
    outlet.heartbeat(beats("gateway"), NOW)

    metrics.show(outlet)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"forcedflow_gateway_{name}", labels)

    assert value("rows_total", outcome="sent") == 3
    assert value("rows_total", outcome="skipped") == 4
    assert value("rejects_total", reason="bad_price") == 1
    assert value("heartbeats_total") == 1
    assert value("event_timestamp_seconds") == NOW / 1e9
