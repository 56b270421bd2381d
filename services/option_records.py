"""What is written to topic ``open-interest``: levels under the public contract's keys."""

import math
from collections.abc import Iterator

import msgspec
import pyarrow as pa

from core.columns import Int64s
from services.option_events import OpenInterestEvents
from services.rows import session_text


class OpenInterestRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """The level of a contract; times ns UTC, dates as texts, None = unknown or not stated.

    The terms are always written: who reads them needs no table of roots and no calendar.
    """

    underlying: str
    expiry: str
    strike: float
    right: str
    open_interest: float
    event_time: int
    root: str
    settlement_time: int
    multiplier: float
    deliverable: float
    settlement: str
    style: str
    source: str
    implied_volatility: float | None = None
    forward: float | None = None
    effective_at: str | None = None
    dealer_sign: float | None = None


SCHEMA = pa.schema(
    {
        "underlying": pa.string(),
        "expiry": pa.string(),
        "strike": pa.float64(),
        "right": pa.string(),
        "open_interest": pa.float64(),
        "event_time": pa.int64(),
        "root": pa.string(),
        "settlement_time": pa.int64(),
        "multiplier": pa.float64(),
        "deliverable": pa.float64(),
        "settlement": pa.string(),
        "style": pa.string(),
        "source": pa.string(),
        "implied_volatility": pa.float64(),
        "forward": pa.float64(),
        "effective_at": pa.string(),
        "dealer_sign": pa.float64(),
    }
)
"""The same as columns of an Arrow frame."""


def open_interest_records(
    events: OpenInterestEvents, rows: Int64s, *, source: str
) -> Iterator[OpenInterestRecord]:
    """Make the records of some rows, in their order; `source` is that of rows that name none."""
    for row in rows.tolist():
        yield OpenInterestRecord(
            underlying=events.underlyings[events.underlying[row]],
            expiry=session_text(int(events.expiry[row])) or "",
            strike=float(events.strike[row]),
            right="call" if events.is_call[row] else "put",
            open_interest=float(events.open_interest[row]),
            event_time=int(events.event_ns[row]),
            root=events.roots[events.root[row]],
            settlement_time=int(events.settlement_ns[row]),
            multiplier=float(events.multiplier[row]),
            deliverable=float(events.deliverable[row]),
            settlement="cash" if events.is_cash_settled[row] else "physical",
            style="american" if events.is_american[row] else "european",
            source=events.sources[events.source[row]] or source,
            implied_volatility=_known(float(events.implied_volatility[row])),
            forward=_known(float(events.forward[row])),
            effective_at=session_text(int(events.label[row])),
            dealer_sign=_known(float(events.dealer_sign[row])),
        )


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
