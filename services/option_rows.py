"""Rows of open interest judged: what is good as columns, what is bad with its reason.

A level is of one contract: underlying, root, expiry, strike and right. Terms that a row does not
state are those of its root.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Bools, Floats, Int32s, Int64s
from core.sessions import NANOS_PER_SECOND, NO_SESSION
from services.chain_rows import Figures
from services.chain_values import mark_figures
from services.event_rows import (
    BadRows,
    Columns,
    Names,
    Rules,
    column_of,
    event_times,
    name_codes,
)
from services.event_times import OK, parse_times
from services.event_values import Numbers, Verdicts, codes, numbers, session_labels
from services.option_calendar import OptionCalendar
from services.option_roots import is_adjusted
from services.option_terms import Identity, TermColumns, listed_terms
from services.raw_table import RawTable

_RIGHTS = {"call": True, "c": True, "put": False, "p": False}
_SETTLEMENTS = {"cash": True, "physical": False}
_STYLES = {"american": True, "european": False}
_AT_OPEN = {"open": True, "am": True, "close": False, "pm": False}
"""What ``settlement_time`` may say instead of an instant."""
_DAY_NS = 86_400 * NANOS_PER_SECOND
_NEAREST_DAYS = 5
"""A contract settles within so many days of its expiry's midnight UTC, or the row is wrong."""


@dataclass(frozen=True)
class OptionNames:
    """The names met so far in the columns of open interest."""

    underlyings: Names = field(default_factory=Names)
    roots: Names = field(default_factory=Names)
    sources: Names = field(default_factory=lambda: Names([""]))


def judge_levels(
    table: RawTable, rules: Rules, *, names: OptionNames, calendar: OptionCalendar
) -> tuple[Columns, BadRows]:
    """Return the columns of `OpenInterestEvents` but ``file``, of good rows, and the bad rows."""
    verdicts = Verdicts(len(table.line))
    event_ns = event_times(table, rules.zone, verdicts)
    verdicts.mark(event_ns > rules.now_ns, "future")
    underlying, identity = _contracts(table, names, verdicts)
    figures = _figures(table, verdicts)
    terms = _terms(
        table,
        _by_pair(identity, underlying, names),
        rules=rules,
        calendar=calendar,
        verdicts=verdicts,
    )
    label, bad_label = session_labels(column_of(table, "effective_at", pa.large_string()))
    verdicts.mark(bad_label, "bad_effective_at")
    spot = _positive(table, "spot", verdicts)
    volatility = figures.implied_volatility
    columns: Columns = {
        "underlying": underlying,
        "root": identity.root,
        "expiry": identity.expiry,
        "strike": identity.strike,
        "is_call": identity.is_call,
        "open_interest": figures.open_interest,
        "implied_volatility": np.where(volatility > 0.0, volatility, np.nan),
        "event_ns": event_ns,
        "settlement_ns": terms.settlement_ns,
        "multiplier": terms.multiplier,
        "deliverable": terms.deliverable,
        "is_cash_settled": terms.is_cash_settled,
        "is_american": terms.is_american,
        "forward": terms.forward,
        "label": label,
        "source": name_codes(table, "source", names.sources, verdicts),
        "dealer_sign": _sign(table, "dealer_sign", verdicts),
        "spot": spot,
        "mid": figures.mid(),
        "vendor_gamma": figures.gamma,
        "line": table.line,
    }
    good = verdicts.good
    return {name: column[good] for name, column in columns.items()}, verdicts.bad()


def _contracts(table: RawTable, names: OptionNames, verdicts: Verdicts) -> tuple[Int32s, Identity]:
    """Return each row's underlying and contract; without a root it is the underlying's own."""
    named = codes(table.columns["underlying"])
    verdicts.mark(named.nameless, "bad_underlying")
    underlying = names.underlyings.translate(named.code, named.names, missing="")
    rooted = codes(column_of(table, "root", pa.large_string()))
    verdicts.mark(rooted.bad, "bad_root")
    root = np.where(
        rooted.nameless,
        names.roots.translate(named.code, named.names, missing=""),
        names.roots.translate(rooted.code, rooted.names, missing=""),
    ).astype(np.int32)
    expiry, bad_expiry = session_labels(table.columns["expiry"])
    verdicts.mark(bad_expiry | (expiry == NO_SESSION), "bad_expiry")
    strike = numbers(table.columns["strike"])
    verdicts.mark(strike.bad | ~(strike.value > 0.0), "bad_strike")
    has_right, is_call = _choice(table, "right", _RIGHTS, verdicts)
    verdicts.mark(~has_right, "bad_right")
    return underlying, Identity(names.roots.all(), root, expiry, strike.value, is_call)


def _figures(table: RawTable, verdicts: Verdicts) -> Figures:
    def column(name: str) -> Numbers:
        return numbers(column_of(table, name, pa.float64()))

    level = column("open_interest")
    return mark_figures(
        open_interest=Numbers(level.value, level.bad | np.isnan(level.value)),
        implied_volatility=column("implied_volatility"),
        bid=column("bid"),
        ask=column("ask"),
        gamma=column("gamma"),
        verdicts=verdicts,
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Contracts whose ``root`` counts pairs of an underlying and a root, and what those are on."""

    identity: Identity
    underlyings: list[str]


def _by_pair(identity: Identity, underlying: Int32s, names: OptionNames) -> _Pairs:
    roots, underlyings = names.roots.all(), names.underlyings.all()
    found, pair = np.unique(
        underlying.astype(np.int64) * (len(roots) + 1) + identity.root, return_inverse=True
    )
    on, of = np.divmod(found, len(roots) + 1)
    pair_names = tuple(roots[code] for code in of.tolist())
    return _Pairs(
        Identity(
            pair_names, pair.astype(np.int32), identity.expiry, identity.strike, identity.is_call
        ),
        [underlyings[code] for code in on.tolist()],
    )


def _terms(
    table: RawTable,
    pairs: _Pairs,
    *,
    rules: Rules,
    calendar: OptionCalendar,
    verdicts: Verdicts,
) -> TermColumns:
    identity = pairs.identity
    listed = listed_terms(identity, calendar, underlyings=pairs.underlyings)
    multiplier = _or(_positive(table, "multiplier", verdicts), listed.multiplier)
    deliverable = _positive(table, "deliverable", verdicts)
    adjusted = np.array([is_adjusted(root) for root in identity.roots], np.bool_)[identity.root]
    verdicts.mark(adjusted & np.isnan(deliverable), "adjusted_contract")
    says_cash, is_cash = _choice(table, "settlement", _SETTLEMENTS, verdicts)
    says_style, is_american = _choice(table, "style", _STYLES, verdicts)
    settlement_ns = _settlements(
        table, identity.expiry, listed.settlement_ns, rules=rules, calendar=calendar, into=verdicts
    )
    return TermColumns(
        settlement_ns=settlement_ns,
        multiplier=multiplier,
        deliverable=_or(deliverable, multiplier),
        is_cash_settled=np.where(says_cash, is_cash, listed.is_cash_settled),
        is_american=np.where(says_style, is_american, listed.is_american),
        forward=_positive(table, "forward", verdicts),
    )


def _settlements(
    table: RawTable,
    expiry: Int64s,
    listed_ns: Int64s,
    *,
    rules: Rules,
    calendar: OptionCalendar,
    into: Verdicts,
) -> Int64s:
    """Return when contracts settle: an instant, ``open`` or ``close`` where stated, else listed."""
    settlement_ns = listed_ns
    if "settlement_time" in table.columns:
        column = table.columns["settlement_time"]
        stated = pc.is_valid(column).to_numpy(zero_copy_only=False)
        times = parse_times(column, zone=rules.zone)
        says, at_open = _words(column, _AT_OPEN)
        settlement_ns = np.where(stated & (times.problem == OK), times.ns, settlement_ns)
        for word, settles in ((True, "open"), (False, "close")):
            rows = says & (at_open == word)
            settlement_ns[rows] = calendar.settlement_ns(
                expiry[rows], settles="open" if settles == "open" else "close"
            )
        into.mark(stated & ~says & (times.problem != OK), "bad_settlement_time")
    far = np.abs(settlement_ns - expiry * _DAY_NS) > _NEAREST_DAYS * _DAY_NS
    into.mark(far & (settlement_ns >= 0), "bad_settlement_time")
    into.mark(settlement_ns < 0, "bad_expiry")
    return settlement_ns


def _positive(table: RawTable, name: str, verdicts: Verdicts) -> Floats:
    """Return a column of numbers above 0, NaN = none."""
    found = numbers(column_of(table, name, pa.float64()))
    verdicts.mark(found.bad | (found.value <= 0.0), f"bad_{name}")
    return found.value


def _sign(table: RawTable, name: str, verdicts: Verdicts) -> Floats:
    """Return a column of numbers from -1 to 1, NaN = none."""
    found = numbers(column_of(table, name, pa.float64()))
    verdicts.mark(found.bad | (np.abs(found.value) > 1.0), f"bad_{name}")
    return found.value


def _or(stated: Floats, otherwise: Floats) -> Floats:
    return np.where(np.isnan(stated), otherwise, stated)


def _choice(
    table: RawTable, name: str, words: Mapping[str, bool], verdicts: Verdicts
) -> tuple[Bools, Bools]:
    """Return where one of two things is said, and which; another word is bad."""
    column = column_of(table, name, pa.large_string())
    says, which = _words(column, words)
    stated = pc.is_valid(column).to_numpy(zero_copy_only=False)
    verdicts.mark(stated & ~says, f"bad_{name}")
    return says, which


def _words(column: pa.Array, words: Mapping[str, bool]) -> tuple[Bools, Bools]:
    found = codes(column)
    meant = [words.get(name.lower()) for name in found.names]
    # The last place is that of code -1: nothing is said.
    says = np.array([*(word is not None for word in meant), False], np.bool_)
    which = np.array([*(bool(word) for word in meant), False], np.bool_)
    return says[found.code], which[found.code]
