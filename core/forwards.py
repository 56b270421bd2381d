"""The forward of each expiry: what an option of that settlement is priced on.

Carry (rate, dividends, borrowing) moves a gamma exposure by as much as the whole figure: the
S&P 500 chain of 2024-01-07 shows -21 bn USD per 1 % without it and -12 bn with it. So each expiry
takes, in this order, the forward that came with its contracts, the one that put-call parity
implies, or one at the configured rate and yield; which it was is said.
"""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contracts import NANOS_PER_YEAR, OptionChain, years_to

GIVEN, PARITY, CONFIGURED = "given", "parity", "configured"

PARITY_STRIKES = 10
LEAST_PARITY_STRIKES = 3
WIDEST_SPREAD = 0.01
"""Parity takes the median over the strikes nearest the forward; quotes whose middle half lies
farther apart than this share of it imply nothing."""

PLAUSIBLE_GROWTH = 0.5
"""Quotes by which a deposit grows or shrinks by more than this, in logs, do not tell the rate."""

NEAR_YEARS, LATER_YEARS = 10.0 / 365.0, 30.0 / 365.0
"""An expiry this near tells at which price of the underlying the options were quoted; its own
carry is that from it to an expiry some so much later."""

PLAUSIBLE_RATE, PLAUSIBLE_ONCE = 0.25, 0.01
"""An implied carry beyond this rate a year, plus this once, is an error of the quotes."""

PLAUSIBLE_GAP = 0.25
"""Quotes at a price farther than this from the spot are not of this underlying, or not of today:
they imply nothing, and ``quotes_gap`` shows why."""


@dataclass(frozen=True, eq=False)
class Forwards:
    """The forwards of one chain, one entry a settlement, ascending.

    Attributes
    ----------
    settlement_ns : int64[e]
    years : float64[e]          to settlement, at least an hour
    forward : float64[e]        at the chain's spot
    method : tuple[str, ...]    given, parity or configured
    rate : float                per year, that discounts
    quotes_gap : float          spot over the price at which the options were quoted, less 1, as
                                parity of the nearest expiry says; NaN = unknown
    """

    settlement_ns: Int64s
    years: Floats
    forward: Floats
    method: tuple[str, ...]
    rate: float
    quotes_gap: float

    def dividend_yields(self, chain: OptionChain) -> Floats:
        """Return float64[n], the yield a year that takes spot to each contract's forward."""
        here = np.searchsorted(self.settlement_ns, chain.settlement_ns)
        implied = self.rate - np.log(self.forward / chain.spot) / self.years
        return implied[here]


def expiry_forwards(chain: OptionChain, *, rate: float, dividend_yield: float) -> Forwards:
    """Return the forward of each settlement of a chain with a known spot.

    Parameters
    ----------
    chain : OptionChain
    rate, dividend_yield : float    per year, compounded continuously, where nothing is implied

    Notes
    -----
    Options are often quoted at another time than the spot (at the close, say, while the spot
    trades on). What is taken from parity is therefore the carry from the nearest expiry to each:
    that one, within ten days, tells the price at which the options were quoted, and
    ``quotes_gap`` how far the spot is from that.

    How much the difference of call and put falls from strike to strike tells the discount, so
    that far expiries, whose strikes lie far apart, do not need the rate.

    American contracts have parity only near the money and without large dividends; there, the
    strikes where call and put cost nearly the same, the median over ten of them is good to some
    basis points.
    """
    settlement_ns, group = np.unique(chain.settlement_ns, return_inverse=True)
    years = years_to(settlement_ns, chain.as_of_ns)
    # The floor of an hour is for volatility; carry runs with the time that there is.
    carry_years = np.maximum(settlement_ns - chain.as_of_ns, 0) / NANOS_PER_YEAR
    configured = chain.spot * np.exp((rate - dividend_yield) * carry_years)
    given = _given(chain, group, len(settlement_ns))
    implied = _parity(chain, group, np.exp(rate * carry_years))
    gap = _quotes_gap(implied, carry_years, spot=chain.spot, carry=rate - dividend_yield)
    if not np.isnan(gap):
        implied = implied * (1.0 + gap)
    with np.errstate(invalid="ignore"):
        carry = np.abs(np.log(implied / chain.spot))
    is_wrong = carry > PLAUSIBLE_ONCE + PLAUSIBLE_RATE * carry_years
    implied[is_wrong | (abs(gap) > PLAUSIBLE_GAP)] = np.nan
    forward = np.where(np.isnan(implied), configured, implied)
    forward = np.where(np.isnan(given), forward, given)
    method = np.where(np.isnan(implied), CONFIGURED, PARITY)
    method = np.where(np.isnan(given), method, GIVEN)
    return Forwards(settlement_ns, years, forward, tuple(method.tolist()), rate, gap)


def _quotes_gap(implied: Floats, years: Floats, *, spot: float, carry: float) -> float:
    """Return how far the price at which the options were quoted lies below the spot."""
    known = np.flatnonzero(~np.isnan(implied))
    if not len(known) or years[known[0]] > NEAR_YEARS:
        return np.nan
    near, later = known[0], known[years[known] >= years[known[0]] + NEAR_YEARS]
    if len(later):
        far = later[np.argmin(np.abs(years[later] - years[near] - LATER_YEARS))]
        slope = np.log(implied[far] / implied[near]) / (years[far] - years[near])
        carry = slope if abs(slope) <= PLAUSIBLE_RATE else carry
    return float(spot * np.exp(carry * years[near]) / implied[near] - 1.0)


def _quartiles(group: Int64s, figure: Floats, size: int) -> tuple[Floats, Floats, Floats, Int64s]:
    """Return each group's lower quartile, median and upper quartile, and its number of figures.

    Three times float64[size], NaN where there is none; of few figures the nearest ones count.
    """
    order = np.lexsort((figure, group))
    count = np.bincount(group, minlength=size)
    first = np.cumsum(count) - count
    # One more stands in where a group is empty.
    ranked = np.append(figure[order], np.nan)
    last = np.maximum(count - 1, 0)

    def ranks(low: Int64s, high: Int64s) -> Floats:
        at = np.where(count > 0, first, len(order))
        return np.asarray(0.5 * (ranked[at + low] + ranked[at + high]))

    lower, upper = last // 4, last - last // 4
    middle = ranks(last // 2, last - last // 2)
    return ranks(lower, lower), middle, ranks(upper, upper), count


def _given(chain: OptionChain, group: Int64s, size: int) -> Floats:
    """Return float64[size], each settlement's median of the forwards that came with it."""
    known = ~np.isnan(chain.forward)
    return _quartiles(group[known], chain.forward[known], size)[1]


def _parity(chain: OptionChain, group: Int64s, growth: Floats) -> Floats:
    """Return float64[e], the forwards that quotes of calls and puts imply, NaN where none do.

    ``growth`` float64[e] is that of a deposit until the settlement, where quotes do not tell.
    """
    call, put = _pairs(chain, group)
    premium, strike, mine = chain.mid[call] - chain.mid[put], chain.strike[call], group[call]
    order = np.lexsort((np.abs(premium), mine))
    rank = np.arange(len(order)) - np.searchsorted(mine[order], mine[order])
    near, rank = order[rank < PARITY_STRIKES], rank[rank < PARITY_STRIKES]
    place = np.full((len(growth), PARITY_STRIKES), -1, np.int64)
    place[mine[near], rank] = near
    implied = _implied_growth(premium, strike, place)
    is_plausible = np.abs(np.log(implied)) <= PLAUSIBLE_GROWTH
    growth = np.where(is_plausible, implied, growth)
    forward = strike[near] + growth[mine[near]] * premium[near]
    low, middle, high, count = _quartiles(mine[near], forward, len(growth))
    is_good = (count >= LEAST_PARITY_STRIKES) & (high - low <= WIDEST_SPREAD * middle)
    return np.where(is_good, middle, np.nan)


def _implied_growth(premium: Floats, strike: Floats, place: Int64s) -> Floats:
    """Return float64[e], by how much less than the strike the premium falls, NaN = unknown.

    It is the median over all pairs of strikes; ``place`` int64[e, strikes] are theirs, -1 = none.
    """
    one, other = (place[:, side] for side in np.triu_indices(place.shape[1], 1))
    is_pair = (one >= 0) & (other >= 0)
    group = np.nonzero(is_pair)[0]
    one, other = one[is_pair], other[is_pair]
    fall = (premium[one] - premium[other]) / (strike[other] - strike[one])
    middle = _quartiles(group, fall, len(place))[1]
    return np.where(middle > 0.0, 1.0 / np.where(middle > 0.0, middle, 1.0), np.nan)


def _pairs(chain: OptionChain, group: Int64s) -> tuple[Int64s, Int64s]:
    """Return the positions of calls and of the puts beside them, quoted on both sides."""
    quoted: Bools = ~np.isnan(chain.mid) & (chain.deliverable == chain.multiplier)
    known = np.flatnonzero(quoted)
    order = known[
        np.lexsort((chain.is_call[known], chain.strike[known], chain.root[known], group[known]))
    ]
    put, call = order[:-1], order[1:]
    is_pair = ~chain.is_call[put] & chain.is_call[call] & (chain.strike[put] == chain.strike[call])
    is_pair &= (chain.root[put] == chain.root[call]) & (group[put] == group[call])
    return call[is_pair], put[is_pair]
