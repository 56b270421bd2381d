"""The immutable tables that every part shares: references, funds, their histories, rooms."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.sessions import SessionTable

Floats = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ReferenceFigures:
    """What was stated of references: rows sorted by (reference, effective label), file order last.

    ``reference`` int32[m]; ``effective_label`` int64[m], ``NO_SESSION`` where the file gives none;
    ``previous_close`` in the reference's currency, the close before the effective session;
    ``adv_usd``, ``auction_usd`` USD; ``daily_volatility`` close-to-close, 0.01 = 1 %.
    NaN where the cell is empty.
    """

    reference: Int32s
    effective_label: Int64s
    previous_close: Floats
    adv_usd: Floats
    auction_usd: Floats
    daily_volatility: Floats


@dataclass(frozen=True, eq=False)
class FundFigures:
    """What was stated of funds: rows sorted by (fund, effective label, known time, file order).

    ``fund`` int32[m]; ``effective_label`` int64[m], a session of the fund's reference;
    ``known_ns`` int64[m], the first instant at which the row may be used;
    ``leverage_factor`` any real number; ``assets_usd`` >= 0, NaN where the row states none.
    """

    fund: Int32s
    effective_label: Int64s
    known_ns: Int64s
    leverage_factor: Floats
    assets_usd: Floats


@dataclass(frozen=True, eq=False)
class PriceFactors:
    """Splits: closes of sessions before ``effective_label`` are multiplied by ``factor``.

    Rows sorted by (reference, effective label); ``known_ns`` as in `FundFigures`.
    """

    reference: Int32s
    effective_label: Int64s
    known_ns: Int64s
    factor: Floats


@dataclass(frozen=True, eq=False)
class Universe:
    """One version of the tables.

    Attributes
    ----------
    version : str                     identifies the content; same files, same version
    symbol : tuple[str, ...]          references, in the order of references.csv; index i below
    name, venue, currency             per reference
    schedule : int32[n]               index into ``schedules``
    schedules : tuple[SessionTable]
    fund : tuple[str, ...]            fund symbols; index k below
    fund_name, fund_issuer, fund_venue, fund_vehicle     per fund, of its newest row
    fund_reference : int32[k]         the reference a fund resets on
    fund_reset : tuple[str, ...]      daily, weekly, monthly, quarterly or none
    fund_is_physical : bool[k]        held physically: with L = 1 its creations are not summed
    rooms : Mapping[str, int32[]]     room name -> references, in the order of rooms.csv
    price_listings : Mapping[str, tuple[int, float]]
        another instrument's symbol -> (reference, factor); price x factor is the reference's
    option_listings : Mapping[str, tuple[int, float]]
        underlying of options that stand for a reference -> (reference, factor), as above
    """

    version: str
    symbol: tuple[str, ...]
    name: tuple[str, ...]
    venue: tuple[str, ...]
    currency: tuple[str, ...]
    schedule: Int32s
    schedules: tuple[SessionTable, ...]
    reference_figures: ReferenceFigures
    price_factors: PriceFactors
    fund: tuple[str, ...]
    fund_name: tuple[str, ...]
    fund_issuer: tuple[str, ...]
    fund_venue: tuple[str, ...]
    fund_vehicle: tuple[str, ...]
    fund_reference: Int32s
    fund_reset: tuple[str, ...]
    fund_is_physical: Bools
    fund_figures: FundFigures
    rooms: Mapping[str, Int32s]
    price_listings: Mapping[str, tuple[int, float]]
    option_listings: Mapping[str, tuple[int, float]]
