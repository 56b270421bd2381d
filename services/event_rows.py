"""Rows of prices and net creations judged: what is good as columns, what is bad with its reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.columns import Bools, Int32s, Int64s
from services.event_times import BAD, IN_DOUBT, NAIVE, parse_times
from services.event_values import Verdicts, codes, integers, numbers, session_labels
from services.raw_table import RawTable

_OFFICIAL = "official_close"
_KINDS = ("trade", _OFFICIAL)

Columns = dict[str, npt.NDArray[Any]]
BadRows = list[tuple[int, str]]


class Names:
    """Names in the order of their first use, and the code of each."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        self._code = {name: place for place, name in enumerate(first)}

    def translate(self, local: Int32s, names: Sequence[str], *, missing: str) -> Int32s:
        """Turn codes into `names` into codes of all names; -1 becomes the code of `missing`."""
        known = [self._code.setdefault(name, len(self._code)) for name in names]
        if (local < 0).any():
            known.append(self._code.setdefault(missing, len(self._code)))
        table: Int32s = np.array([*known, 0], np.int32)
        return table[np.where(local < 0, len(names), local)]

    def all(self) -> tuple[str, ...]:
        """Return the names, each at its code."""
        return tuple(self._code)


@dataclass(frozen=True)
class Rules:
    """What rows are judged by; the fields are those of `ReadOptions`."""

    zone: ZoneInfo | None
    bar_ns: int
    now_ns: int


def judge_prices(
    table: RawTable, rules: Rules, *, symbol: str, symbols: Names, sources: Names
) -> tuple[Columns, BadRows]:
    """Return the columns of `PriceEvents` but ``file``, of good rows only, and the bad rows.

    `symbol` stands for the symbol of rows in a file without that column.
    """
    verdicts = Verdicts(len(table.line))
    stamp_ns = event_times(table, rules.zone, verdicts)
    official = _official(table, verdicts)
    event_ns = stamp_ns + np.where(official, 0, rules.bar_ns)
    verdicts.mark(event_ns > rules.now_ns, "future")
    price = numbers(table.columns["price"])
    # NaN compares false: no price and no number are bad like a price of zero.
    verdicts.mark(price.bad | ~(price.value > 0), "bad_price")
    volume = numbers(column_of(table, "volume", pa.float64()))
    verdicts.mark(volume.bad | (volume.value < 0), "bad_volume")
    sequence = _sequence(table, verdicts)
    source = name_codes(table, "source", sources, verdicts)
    if "symbol" in table.columns:
        named = codes(table.columns["symbol"])
        verdicts.mark(named.nameless, "bad_symbol")
    else:
        named = codes(pa.array([symbol] * len(table.line), pa.large_string()))
    good = verdicts.good
    columns: Columns = {
        "symbol": symbols.translate(named.code[good], named.names, missing=""),
        "event_ns": event_ns[good],
        "start_ns": np.where(official, event_ns, stamp_ns)[good],
        "price": price.value[good],
        "volume": volume.value[good],
        "sequence": sequence[good],
        "source": source[good],
        "official": official[good],
        "line": table.line[good],
    }
    return columns, verdicts.bad()


def judge_flows(
    table: RawTable, rules: Rules, *, funds: Names, sources: Names
) -> tuple[Columns, BadRows]:
    """Return the columns of `FlowEvents` but ``file``, of good rows only, and the bad rows."""
    verdicts = Verdicts(len(table.line))
    event_ns = event_times(table, rules.zone, verdicts)
    verdicts.mark(event_ns > rules.now_ns, "future")
    creation = numbers(table.columns["net_creation_usd"])
    verdicts.mark(creation.bad | np.isnan(creation.value), "bad_net_creation_usd")
    label, bad_label = session_labels(column_of(table, "session", pa.large_string()))
    verdicts.mark(bad_label, "bad_session")
    sequence = _sequence(table, verdicts)
    source = name_codes(table, "source", sources, verdicts)
    named = codes(table.columns["fund"])
    verdicts.mark(named.nameless, "bad_fund")
    good = verdicts.good
    columns: Columns = {
        "fund": funds.translate(named.code[good], named.names, missing=""),
        "event_ns": event_ns[good],
        "label": label[good],
        "net_creation_usd": creation.value[good],
        "sequence": sequence[good],
        "source": source[good],
        "line": table.line[good],
    }
    return columns, verdicts.bad()


def column_of(table: RawTable, name: str, kind: pa.DataType) -> pa.Array:
    """Return a column of a table; one that the file does not have is all null."""
    column = table.columns.get(name)
    return pa.nulls(len(table.line), kind) if column is None else column


def event_times(table: RawTable, zone: ZoneInfo | None, verdicts: Verdicts) -> Int64s:
    """Return the times of events, ns UTC, 0 where bad."""
    times = parse_times(table.columns["event_time"], zone=zone)
    verdicts.mark(times.problem == BAD, "bad_event_time")
    verdicts.mark(times.problem == NAIVE, "naive_time")
    verdicts.mark(times.problem == IN_DOUBT, "time_in_doubt")
    return times.ns


def _official(table: RawTable, verdicts: Verdicts) -> Bools:
    kind = codes(column_of(table, "kind", pa.large_string()))
    known = Names(_KINDS).translate(kind.code, kind.names, missing=_KINDS[0])
    verdicts.mark(kind.bad | (known >= len(_KINDS)), "bad_kind")
    official: Bools = known == _KINDS.index(_OFFICIAL)
    return official


def _sequence(table: RawTable, verdicts: Verdicts) -> Int64s:
    sequence, bad = integers(column_of(table, "sequence", pa.int64()))
    verdicts.mark(bad, "bad_sequence")
    return sequence


def name_codes(table: RawTable, name: str, into: Names, verdicts: Verdicts) -> Int32s:
    """Return the codes of a column of names that may be missing: no name is the empty one."""
    named = codes(column_of(table, name, pa.large_string()))
    verdicts.mark(named.bad, f"bad_{name}")
    return into.translate(named.code, named.names, missing="")
