"""Decoders of the partition of ACME in a small universe."""

from dataclasses import dataclass
from pathlib import Path

from core.book import Book
from core.universe import Universe
from streams.event_kinds import FLOW, PRICE
from streams.routes import flow_routes, price_routes, references_of
from streams.topics import PARTITIONS, partition_of
from streams.wire import EventDecoder
from tests.support.universes import fund, reference, universe_from, write_universe

ACME_PARTITION = partition_of("ACME")


REFERENCES = [
    reference(symbol, previous_close=100, adv_usd=1e9, daily_volatility=0.02)
    for symbol in ("ACME", "BOLT")
]
FUNDS = [
    fund("ACMU", "ACME", 2, assets_usd=8e8),
    fund("ACMD", "ACME", -1, assets_usd=1e8),
    fund("BOLU", "BOLT", 2, assets_usd=9e7),
]
LISTINGS = [{"symbol": "ACME.X", "reference": "ACME", "kind": "price", "factor": 0.5}]


def small_universe() -> Universe:
    """ACME with two funds and a listing, BOLT on another partition, all with a known close."""
    return universe_from(references=REFERENCES, funds=FUNDS, listings=LISTINGS)


def write_small_universe(directory: Path) -> Path:
    """Write `small_universe` into a folder; return it."""
    return write_universe(directory, references=REFERENCES, funds=FUNDS, listings=LISTINGS)


@dataclass
class Decoders:
    book: Book
    prices: EventDecoder
    flows: EventDecoder


def decoders() -> Decoders:
    universe = small_universe()
    book = Book(universe, references_of(universe, ACME_PARTITION, PARTITIONS))
    return Decoders(
        book,
        EventDecoder(PRICE, price_routes(universe, book.references), book.source_index),
        EventDecoder(FLOW, flow_routes(universe, book.funds), book.source_index),
    )
