"""Rows of the projection as people and programs read them: the public contract's columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from core.columns import COLUMNS, NUMERIC_COLUMNS, Bools, Floats, Int32s, Int64s, View
from core.sessions import NANOS_PER_SECOND, NO_SESSION, NO_TIME
from core.universe import Universe

WHOLE_COLUMNS = ("seconds_to_close", "seconds_to_cutoff", "level")
"""Numeric columns written without a fraction where they have none."""
_EPOCH = date(1970, 1, 1).toordinal()
_OFFSET_STEP_NS = 900 * NANOS_PER_SECOND
"""Offsets from UTC change at multiples of a quarter of an hour, everywhere."""

Value = str | float | int | bool | None


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of some views, as arrays side by side; units and unknowns as in `View`."""

    reference: Int32s
    event_ns: Int64s
    label: Int64s
    as_of_ns: Int64s
    stale: Bools
    numeric: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.reference)

    def between(self, first_ns: int | None, last_ns: int | None) -> "Rows":
        """Return the rows from one time to another, both included; None = unbounded."""
        keep = np.ones(len(self), np.bool_)
        if first_ns is not None:
            keep &= self.event_ns >= first_ns
        if last_ns is not None:
            keep &= self.event_ns <= last_ns
        return Rows(
            reference=self.reference[keep],
            event_ns=self.event_ns[keep],
            label=self.label[keep],
            as_of_ns=self.as_of_ns[keep],
            stale=self.stale[keep],
            numeric={name: column[keep] for name, column in self.numeric.items()},
        )


def rows_of(view: View, which: Int64s | Bools | slice = slice(None)) -> Rows:
    """Take some rows out of a view."""
    return Rows(
        reference=view.reference[which],
        event_ns=view.market_ns[which],
        label=view.label[which],
        as_of_ns=view.as_of_ns[which],
        stale=view.is_stale[which],
        numeric={name: view.numeric[name][which] for name in NUMERIC_COLUMNS},
    )


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Join rows, in the order of their references, then of time."""
    if not parts:
        nothing = np.empty(0, np.int64)
        return Rows(
            reference=nothing.astype(np.int32),
            event_ns=nothing,
            label=nothing,
            as_of_ns=nothing,
            stale=np.empty(0, np.bool_),
            numeric={name: np.empty(0) for name in NUMERIC_COLUMNS},
        )
    reference = np.concatenate([part.reference for part in parts])
    event_ns = np.concatenate([part.event_ns for part in parts])
    order = np.lexsort((event_ns, reference))
    return Rows(
        reference=reference[order],
        event_ns=event_ns[order],
        label=np.concatenate([part.label for part in parts])[order],
        as_of_ns=np.concatenate([part.as_of_ns for part in parts])[order],
        stale=np.concatenate([part.stale for part in parts])[order],
        numeric={
            name: np.concatenate([part.numeric[name] for part in parts])[order]
            for name in NUMERIC_COLUMNS
        },
    )


def row_columns(rows: Rows, universe: Universe) -> dict[str, list[Value]]:
    """Return the columns of the public contract, in its order; None = unknown."""
    zones = [universe.schedules[universe.schedule[i]].zone for i in rows.reference.tolist()]
    columns: dict[str, list[Value]] = {
        "symbol": [universe.symbol[i] for i in rows.reference.tolist()],
        "event_time": _times(rows.event_ns, zones),
        "session": [session_text(label) for label in rows.label.tolist()],
    }
    for name in NUMERIC_COLUMNS:
        columns[name] = _numbers(rows.numeric[name], is_whole=name in WHOLE_COLUMNS)
    columns["stale"] = rows.stale.tolist()
    columns["as_of"] = _times(rows.as_of_ns, zones)
    return {name: columns[name] for name in COLUMNS}


def row_dicts(rows: Rows, universe: Universe) -> list[dict[str, Value]]:
    """Return one mapping a row, keys in the public contract's order; None = unknown."""
    columns = row_columns(rows, universe)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def time_text(time_ns: int, zone: str) -> str | None:
    """Return a time as RFC 3339 with its offset in `zone`, None for ``NO_TIME``."""
    if time_ns == NO_TIME:
        return None
    step, beyond = divmod(time_ns, _OFFSET_STEP_NS)
    seconds, fraction = divmod(beyond, NANOS_PER_SECOND)
    local, offset = _local(step, zone)
    text = (local + timedelta(seconds=seconds)).isoformat()
    if fraction:
        text += f".{fraction:09d}".rstrip("0")
    return text + offset


def session_text(label: int) -> str | None:
    """Return a session label as a date, None for ``NO_SESSION``."""
    return None if label == NO_SESSION else date.fromordinal(_EPOCH + label).isoformat()


@lru_cache(maxsize=65536)
def _local(step: int, zone: str) -> tuple[datetime, str]:
    seconds = step * _OFFSET_STEP_NS // NANOS_PER_SECOND
    utc = datetime.fromtimestamp(seconds, tz=UTC)
    local = utc.astimezone(ZoneInfo(zone))
    text = local.strftime("%z")
    return local.replace(tzinfo=None), f"{text[:3]}:{text[3:5]}"


def _times(times_ns: Int64s, zones: Iterable[str]) -> list[Value]:
    return [
        time_text(time_ns, zone) for time_ns, zone in zip(times_ns.tolist(), zones, strict=True)
    ]


def _numbers(column: Floats, *, is_whole: bool) -> list[Value]:
    known = np.isfinite(column).tolist()
    values = column.tolist()
    if is_whole:
        values = [int(v) if k and v.is_integer() else v for v, k in zip(values, known, strict=True)]
    return [value if is_known else None for value, is_known in zip(values, known, strict=True)]
