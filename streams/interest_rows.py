"""Records of open interest as rows: from JSON or from the rows of a frame, judged one by one."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from core.errors import BadInputError
from core.sessions import NO_TIME
from streams.event_fields import HEARTBEAT, Heartbeat, missing_error
from streams.event_kinds import session_label, shown
from streams.event_times import checked_ns, parse_time
from streams.json_events import parse_object

CONTRACT_MULTIPLIER = 100.0
"""What a contract is of that does not say it, as nearly all options on shares are."""
_LARGEST = 1e15
"""Beyond what any contract, market or currency has: a field in the wrong column."""


class InterestRow(msgspec.Struct, gc=False, kw_only=True):
    """A level of a contract under the public contract's keys; None = not stated."""

    underlying: str
    expiry: str
    strike: float
    right: str
    event_time: int | str
    open_interest: float | None = None
    implied_volatility: float | None = None
    root: str | None = None
    settlement_time: int | str | None = None
    multiplier: float | None = None
    deliverable: float | None = None
    settlement: str | None = None
    style: str | None = None
    forward: float | None = None
    effective_at: str | None = None
    source: str | None = None
    dealer_sign: float | None = None


class Level(msgspec.Struct, gc=False, frozen=True):
    """A row whose every value is good; dates in days since 1970, NaN and ``NO_TIME`` = not stated.

    ``deliverable`` units of the underlying; ``label`` ``NO_SESSION`` where none is stated.
    """

    underlying: str
    root: str
    expiry: int
    strike: float
    is_call: bool
    settlement_ns: int
    open_interest: float
    implied_volatility: float
    multiplier: float
    deliverable: float
    is_cash_settled: bool
    is_american: bool
    forward: float
    event_ns: int
    label: int
    source: str
    dealer_sign: float


_REQUIRED = ("underlying", "expiry", "strike", "right", "event_time")
_NAMES = InterestRow.__struct_fields__
_decode = msgspec.json.Decoder(InterestRow).decode


def read_json(value: bytes) -> InterestRow | Heartbeat:
    """Return the row or heartbeat of one record; a row's values may still be out of range.

    Raises
    ------
    BadInputError
        If it is neither.
    """
    try:
        return _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = parse_object(value)
    if not isinstance(found, Mapping):
        raise BadInputError("malformed", f"expected a JSON object, it was {shown(found)}")
    return _of_fields(found)


def frame_rows(batch: pa.RecordBatch) -> list[InterestRow | Heartbeat]:
    """Return the rows of a frame; their values may still be out of range.

    Raises
    ------
    BadInputError
        If a column is missing, or a value is of a type that its column cannot have.
    """
    names = [name for name in batch.schema.names if name in {*_NAMES, HEARTBEAT}]
    columns = [_values(batch.column(name)) for name in names]
    return [
        _of_fields(dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)
    ]


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns")).cast(pa.int64())
    if pa.types.is_date(column.type):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    return values


def _of_fields(found: Mapping[str, Any]) -> InterestRow | Heartbeat:
    fields = {name: value for name, value in found.items() if value is not None}
    if HEARTBEAT in fields and "underlying" not in fields:
        source, time = fields[HEARTBEAT], fields.get("event_time")
        if not isinstance(source, str):
            raise BadInputError("bad_heartbeat", f"expected a source, it was {shown(source)}")
        return Heartbeat(source, _time("event_time", time))
    for name in _REQUIRED:
        if name not in fields:
            raise missing_error(name, fields)
    try:
        return msgspec.convert(fields, InterestRow)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].strip("`") if "$." in str(error) else "event"
        raise BadInputError(f"bad_{name}", f"{error}, it was {shown(fields.get(name))}") from error


def level_of(row: InterestRow) -> Level:
    """Return a row as a level whose every value is good.

    Raises
    ------
    BadInputError
        For the first thing that is wrong.
    """
    if not row.underlying:
        raise BadInputError("bad_underlying", "expected an underlying, it was empty")
    multiplier = _positive("multiplier", row.multiplier, CONTRACT_MULTIPLIER)
    open_interest = _figure("open_interest", row.open_interest)
    volatility = _figure("implied_volatility", row.implied_volatility)
    if math.isnan(open_interest) and math.isnan(volatility):
        raise BadInputError(
            "missing_key", "expected open_interest or implied_volatility, there was neither"
        )
    settles = row.settlement_time
    return Level(
        underlying=row.underlying,
        root=row.root or row.underlying,
        expiry=_date("expiry", row.expiry),
        strike=_positive("strike", row.strike, math.nan),
        is_call=_choice("right", row.right, "call", "put"),
        settlement_ns=NO_TIME if settles is None else _time("settlement_time", settles),
        open_interest=open_interest,
        # A vendor's 0 is one that it could not compute.
        implied_volatility=volatility or math.nan,
        multiplier=multiplier,
        deliverable=_positive("deliverable", row.deliverable, multiplier),
        is_cash_settled=_choice("settlement", row.settlement or "physical", "cash", "physical"),
        is_american=_choice("style", row.style or "american", "american", "european"),
        forward=_positive("forward", row.forward, math.nan),
        event_ns=_time("event_time", row.event_time),
        label=session_label(row.effective_at or ""),
        source=row.source or "",
        dealer_sign=_sign("dealer_sign", row.dealer_sign),
    )


def _time(name: str, value: object) -> int:
    try:
        if isinstance(value, str):
            return parse_time(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return checked_ns(value)
    except BadInputError as error:
        raise BadInputError(f"bad_{name}", str(error)) from error
    raise BadInputError(
        f"bad_{name}", f"expected {name} as integer nanoseconds or text, it was {shown(value)}"
    )


def _date(name: str, text: str) -> int:
    try:
        if text:
            return session_label(text)
    except BadInputError:
        pass
    raise BadInputError(f"bad_{name}", f"expected a date like 2026-06-26, it was {shown(text)}")


def _choice(name: str, text: str, yes: str, no: str) -> bool:
    # Vendors write C and P, and call with a capital.
    found = text.strip().lower()
    if found and yes.startswith(found):
        return True
    if found and no.startswith(found):
        return False
    raise BadInputError(f"bad_{name}", f"expected {yes} or {no}, it was {shown(text)}")


def _figure(name: str, value: float | None) -> float:
    if value is None or math.isnan(value):
        return math.nan
    if not 0.0 <= value < _LARGEST:
        raise BadInputError(f"bad_{name}", f"expected a finite {name} >= 0, it was {shown(value)}")
    return value


def _sign(name: str, value: float | None) -> float:
    if value is None or math.isnan(value):
        return math.nan
    if not -1.0 <= value <= 1.0:
        raise BadInputError(f"bad_{name}", f"expected {name} from -1 to 1, it was {shown(value)}")
    return value


def _positive(name: str, value: float | None, absent: float) -> float:
    if value is None or math.isnan(value):
        return absent
    if not 0.0 < value < _LARGEST:
        raise BadInputError(f"bad_{name}", f"expected a finite {name} > 0, it was {shown(value)}")
    return value
