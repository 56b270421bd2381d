"""Sessions' results on the topic ``closes``: one JSON record a reference and session.

Key ``SYMBOL|2026-06-23``. A result holds the slots that won, with what won them, so that it is
merged by the same rule as the events it came from. Two digests, of the figures and of the path,
tell an owner whether what it read last is what it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Annotated

import msgspec
import numpy as np

from core.book_state import Names, PriceState, RecordedState
from core.columns import Floats, Int32s, Int64s
from core.slots import Candidates

FORMAT = 1
_EPOCH = date(1970, 1, 1)


Whole = Annotated[int, msgspec.Meta(gt=-(2**62), lt=2**62)]
Price = Annotated[float, msgspec.Meta(gt=0)]


class Won(msgspec.Struct, omit_defaults=True):
    """A slot: its value and what won it; ``rank`` is that of the source in ties."""

    event_time: Whole
    value: float
    sequence: Whole = 0
    rank: Whole = 0


class Figures(msgspec.Struct, omit_defaults=True):
    """What prices and creations came to; creations by fund, as known at the close and at last."""

    close: Won | None = None
    official_close: Won | None = None
    volume_before_last_half_hour: Won | None = None
    volume: Won | None = None
    creations: dict[str, Won] = {}
    later_creations: dict[str, Won] = {}
    sources: list[str] = []


class Path(msgspec.Struct, omit_defaults=True):
    """Five-minute closes: ``bucket`` counts from the open, the other lists run beside it.

    ``event_time`` is empty where only the closes are left; of ``sequence`` and ``rank`` there is
    one number where it is that of all.
    """

    seconds: float = 0.0
    buckets: Annotated[int, msgspec.Meta(ge=0, le=300)] = 0
    bucket: list[Whole] = []
    price: list[Price] = []
    event_time: list[Whole] = []
    sequence: list[Whole] = []
    rank: list[Whole] = []


class Positioned(msgspec.Struct, omit_defaults=True):
    """How options were positioned at the close, as `core.positioning.Positioning`."""

    call_open_interest: float | None = None
    put_open_interest: float | None = None
    risk_reversal_25d_30d: float | None = None
    open_interest_concentration: float | None = None
    gamma_concentration: float | None = None
    gross_gamma_usd_per_1pct: float | None = None


class Result(msgspec.Struct, omit_defaults=True):
    """One record; figures and path stay as they came, to be digested."""

    format: int
    symbol: str
    session: str
    leveraged_rebalance_usd: float | None
    creation_redemption_usd: float | None
    figures: msgspec.Raw
    path: msgspec.Raw
    positioning: Positioned | None = None


_encoder = msgspec.json.Encoder()


def result_key(symbol: str, label: int) -> bytes:
    """Return the key of a reference's result for a session."""
    return f"{symbol}|{_EPOCH + timedelta(days=label)}".encode()


def digest(content: bytes) -> int:
    """Return 63 bits that tell contents apart, never 0."""
    return int.from_bytes(blake2b(content, digest_size=8).digest()) >> 1 | 1


@dataclass(frozen=True)
class EncodedResult:
    """The record of one row: what it is sent as, and the digests it will be read with."""

    row: int
    key: bytes
    value: bytes
    figures: int
    path: int


def encode_results(state: RecordedState, names: Names, *, fund_row: Int32s) -> list[EncodedResult]:
    """Return the records of the rows of a state, in the order of the rows.

    ``fund_row`` int32[k] leads the funds of `names` to their rows.
    """
    rows = state.row.tolist()
    label = state.prices.label
    figures = _figures_of(state, names, fund_row.tolist())
    paths = _paths_of(state.prices)
    encoded = []
    for place, row in enumerate(rows):
        figures_raw = _encoder.encode(figures[row])
        path_raw = _encoder.encode(paths.get(row, Path()))
        symbol = names.symbols[row]
        result = Result(
            format=FORMAT,
            symbol=symbol,
            session=str(_EPOCH + timedelta(days=label)),
            leveraged_rebalance_usd=_or_none(state.leveraged_usd[place]),
            creation_redemption_usd=_or_none(state.creation_usd[place]),
            figures=msgspec.Raw(figures_raw),
            path=msgspec.Raw(path_raw),
            positioning=_positioned(state.positioning[place]),
        )
        encoded.append(
            EncodedResult(
                row,
                result_key(symbol, label),
                _encoder.encode(result),
                digest(figures_raw),
                digest(path_raw),
            )
        )
    return encoded


def _positioned(figures: Floats) -> Positioned | None:
    if np.isnan(figures).all():
        return None
    return Positioned(*(_or_none(figure) for figure in figures))


def _or_none(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def _figures_of(state: RecordedState, names: Names, row_of: Sequence[int]) -> Mapping[int, Figures]:
    found = {
        row: Figures(creations={}, later_creations={}, sources=[]) for row in state.row.tolist()
    }
    prices, flows = state.prices, state.flows
    for name, slots in (
        ("close", prices.trades),
        ("official_close", prices.officials),
        ("volume_before_last_half_hour", prices.volumes_before),
        ("volume", prices.volumes_within),
    ):
        for row, won in _won(slots):
            setattr(found[row], name, won)
    for name, slots in (("creations", flows.creations), ("later_creations", flows.later_creations)):
        for fund, won in sorted(_won(slots), key=lambda each: names.funds[each[0]]):
            getattr(found[row_of[fund]], name)[names.funds[fund]] = won
    pairs = zip(prices.priced_row.tolist(), prices.priced_source.tolist(), strict=True)
    for row, source in sorted(pairs, key=lambda pair: names.sources[pair[1]]):
        found[row].sources.append(names.sources[source])
    return found


def _won(slots: Candidates) -> Iterable[tuple[int, Won]]:
    columns = (slots.slot, slots.event_ns, slots.value, slots.sequence, slots.rank)
    for slot, *won in zip(*(column.tolist() for column in columns), strict=True):
        yield slot, Won(*won)


def _paths_of(prices: PriceState) -> Mapping[int, Path]:
    found = {
        int(row): Path(
            seconds=float(seconds),
            buckets=len(closes),
            bucket=(filled := np.flatnonzero(~np.isnan(closes))).tolist(),
            price=closes[filled].tolist(),
        )
        for group in prices.closes
        for row, seconds, closes in zip(group.row, group.seconds, group.closes, strict=True)
    }
    slots = prices.buckets
    if len(slots.slot):
        bounds = np.flatnonzero(np.diff(slots.slot)) + 1
        for part in np.split(np.arange(len(slots.slot)), bounds):
            row = int(slots.slot[part[0]])
            found[row] = Path(
                price=slots.value[part].tolist(),
                event_time=slots.event_ns[part].tolist(),
                sequence=_once_if_all_are_one(slots.sequence[part]),
                rank=_once_if_all_are_one(slots.rank[part]),
            )
    return found


def _once_if_all_are_one(column: Int64s) -> list[int]:
    values: list[int] = column.tolist()
    return values[:1] if (column == column[0]).all() else values
