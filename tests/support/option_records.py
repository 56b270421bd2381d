"""Open interest as records written by hand, and a book's figures recomputed from all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s, source_rank
from core.contracts import OpenInterestColumns
from core.curve_workshop import RowTargets
from core.delta_curve import SLOPE_ERROR, VALUE_ERROR
from core.option_book import DealerFigures, OptionBook
from core.row_calendar import RowCalendar
from core.sessions import NO_SESSION
from tests.support import naive_options
from tests.support.core_universe import FIRST, Ref, at, core_universe
from tests.support.naive_options import Contract
from tests.support.option_chains import DAY_NS

FIGURES = ("hedge_usd", "hedge_low_usd", "hedge_high_usd", "decay_usd", "to_come_usd")
SIDES = ((1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0))
"""Dealers' side of calls and puts under each sign model, the index convention first."""


@dataclass(frozen=True)
class Record:
    """One record; unless named, of a call on row 0 that settles in cash 30 days after FIRST."""

    event_ns: int
    open_interest: float = 1_000.0
    volatility: float = 0.2
    row: int = 0
    strike: float = 100.0
    is_call: bool = True
    root: str = "XYZ"
    settlement_ns: int = at(30, 7.0)
    is_cash_settled: bool = False
    deliverable: float = 100.0
    forward: float = math.nan
    sign: float = math.nan
    label: int = NO_SESSION
    source: str = "a"

    @property
    def identity(self) -> tuple[object, ...]:
        return self.row, self.root, self.settlement_ns // DAY_NS, self.strike, self.is_call


def option_book(rows: int = 1, schedule: str = "DAY") -> OptionBook:
    universe = core_universe([Ref(f"R{i}", schedule) for i in range(rows)])
    calendar = RowCalendar(universe, np.arange(rows, dtype=np.int32))
    return OptionBook(calendar, rows)


def columns(book: OptionBook, records: Sequence[Record]) -> OpenInterestColumns:
    def floats(name: str) -> Floats:
        return np.array([getattr(each, name) for each in records], np.float64)

    def times(name: str) -> Int64s:
        return np.array([getattr(each, name) for each in records], np.int64)

    def flags(name: str) -> Bools:
        return np.array([getattr(each, name) for each in records], np.bool_)

    return OpenInterestColumns(
        reference=times("row").astype(np.int32),
        root=np.array([book.state.root_index(each.root) for each in records], np.int32),
        expiry=times("settlement_ns") // DAY_NS,
        strike=floats("strike"),
        is_call=flags("is_call"),
        settlement_ns=times("settlement_ns"),
        open_interest=floats("open_interest"),
        implied_volatility=floats("volatility"),
        multiplier=floats("deliverable"),
        deliverable=floats("deliverable"),
        is_cash_settled=flags("is_cash_settled"),
        is_american=np.zeros(len(records), np.bool_),
        forward=floats("forward"),
        event_ns=times("event_ns"),
        label=times("label"),
        source=np.array([book.state.source_index(each.source) for each in records], np.int32),
        dealer_sign=floats("sign"),
    )


def apply(book: OptionBook, *records: Record) -> Int64s:
    return book.apply(columns(book, records))


def targets(
    session: int, hour: float, *, rows: int = 1, previous_close: float = 100.0
) -> RowTargets:
    """Return what all rows stand for some hours after the open of a session of "DAY"."""

    def everyone(figure: int) -> Int64s:
        return np.full(rows, figure, np.int64)

    return RowTargets(
        label=everyone(FIRST + session),
        open_ns=everyone(at(session, 0.0)),
        close_ns=everyone(at(session, 7.0)),
        since_ns=everyone(at(session - 1, 7.0)),
        market_ns=everyone(at(session, hour)),
        previous_close=np.full(rows, previous_close),
    )


def settle(book: OptionBook, wanted: RowTargets | None = None) -> int:
    """Let a book do all that is due; return in how many slices."""
    if wanted is not None:
        book.follow(wanted)
    slices = 1
    while book.refresh():
        slices += 1
        assert slices < 10_000
    return slices


@dataclass(frozen=True)
class Recomputed:
    """`DealerFigures` of one row, and the gross units that errors are measured in."""

    figures: DealerFigures
    units: float
    slope_units: float


def recomputed(
    records: Sequence[Record], *, row: int, price: float, wanted: RowTargets, time_ns: int
) -> Recomputed:
    """Compute a row's figures from all records, contract by contract, at a curve's time."""
    label, open_ns = int(wanted.label[row]), int(wanted.open_ns[row])
    close_ns, since_ns = int(wanted.close_ns[row]), int(wanted.since_ns[row])
    previous_close = float(wanted.previous_close[row])
    whole = np.zeros((4, 2))
    units = slope_units = 0.0
    mine: dict[tuple[object, ...], list[Record]] = {}
    for each in records:
        if each.row == row and each.settlement_ns >= open_ns:
            mine.setdefault(each.identity, []).append(each)
    for group in mine.values():
        terms = max(group, key=lambda each: (each.event_ns, source_rank(each.source)))
        figures = _in_force(group, label, open_ns)
        if figures is None or terms.settlement_ns < time_ns:
            continue
        open_interest, start_volatility, volatility = figures
        contract = Contract(
            terms.is_call,
            terms.strike,
            open_interest * terms.deliverable,
            terms.settlement_ns,
            terms.is_cash_settled,
            0.0,
            0.0,
        )
        channel = 0 if terms.is_call else 1
        is_gone = terms.is_cash_settled and terms.settlement_ns <= close_ns

        def held(
            spot: float, at_ns: int, at_volatility: float, contract: Contract = contract
        ) -> float:
            delta = naive_options.delta(contract, spot, at_ns, at_volatility)
            return contract.units * delta

        by_price = held(price, time_ns, start_volatility) - held(
            previous_close, time_ns, start_volatility
        )
        here = held(price, time_ns, volatility)
        begun = held(previous_close, since_ns, start_volatility)
        after = 0.0 if is_gone else held(price, close_ns, volatility)
        gamma = naive_options.gamma_exposure(contract, price, time_ns, volatility)
        whole[:, channel] += (by_price, here - begun - by_price, after - here, gamma)
        units += contract.units
        left = naive_options.years(contract, time_ns)
        slope_units += contract.units / (volatility * math.sqrt(left))
    sides = np.array(SIDES)
    hedges = -price * sides @ whole[0]
    decay, to_come = (-price * sides[0] @ whole[i] for i in (1, 2))
    unknown = math.nan if units == 0.0 else 1.0
    return Recomputed(
        DealerFigures(
            *(
                np.array([figure * unknown])
                for figure in (
                    hedges[0],
                    hedges.min(),
                    hedges.max(),
                    decay,
                    to_come,
                    sides[0] @ whole[3],
                )
            )
        ),
        units,
        slope_units,
    )


def _in_force(group: list[Record], label: int, open_ns: int) -> tuple[float, float, float] | None:
    """Return open interest, volatility of the start and of now, None where they are unknown."""

    def session(each: Record) -> int:
        if each.label != NO_SESSION:
            return each.label
        return next(d for d in range(FIRST, FIRST + 40) if at(d - FIRST, 7.0) >= each.event_ns)

    def newest(figure: str, known: Sequence[Record]) -> float:
        stated = [each for each in known if not math.isnan(getattr(each, figure))]
        if not stated:
            return math.nan
        best = max(
            stated,
            key=lambda each: (
                session(each),
                each.event_ns,
                source_rank(each.source),
                getattr(each, figure),
            ),
        )
        return float(getattr(best, figure))

    known = [each for each in group if session(each) <= label]
    before = [each for each in known if session(each) < label or each.event_ns <= open_ns]
    open_interest, now = newest("open_interest", known), newest("volatility", known)
    start = newest("volatility", before)
    start = now if math.isnan(start) else start
    return (open_interest, start, now) if open_interest > 0.0 and now > 0.0 else None


def assert_recomputed(
    book: OptionBook, records: Sequence[Record], price: Floats, wanted: RowTargets
) -> None:
    figures = book.figures(np.arange(len(price)), price)
    for row, spot in enumerate(price.tolist()):
        curves = book._workshop.curves.get(row)
        time_ns = curves.times.time_ns if curves else int(wanted.open_ns[row])
        slow = recomputed(records, row=row, price=spot, wanted=wanted, time_ns=time_ns)
        # Two readings of the curve make a difference, of each of the two rights.
        limit = 3.0 * VALUE_ERROR * spot * slow.units + 1e-6
        for name in FIGURES:
            expected = getattr(slow.figures, name)
            np.testing.assert_allclose(
                getattr(figures, name)[[row]], expected, rtol=0, atol=limit, err_msg=name
            )
        limit = 0.01 * spot * 3.0 * SLOPE_ERROR * slow.slope_units + 1e-6
        np.testing.assert_allclose(
            figures.gamma_usd_per_1pct[[row]],
            slow.figures.gamma_usd_per_1pct,
            rtol=0,
            atol=limit,
        )
