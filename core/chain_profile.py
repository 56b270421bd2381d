"""Everything that one chain says at one time: exposures, levels, walls, skew, concentration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Floats
from core.contracts import OptionChain
from core.dealer_gamma import (
    ExposureTable,
    Walls,
    exposure_table,
    share_of,
    vendor_gamma_exposure,
    walls,
)
from core.dealer_signs import INDEX_CONVENTION, SIGN_MODELS, USER_SIGNED, SignModel, model_weights
from core.forwards import Forwards, expiry_forwards
from core.open_positions import open_positions, unit_strikes
from core.positioning import Positioning, positioning
from core.skew import risk_reversal
from core.zero_gamma import HIGHEST, LOWEST, ZeroGamma, zero_gamma

PROFILE_SPOTS = 60


@dataclass(frozen=True, eq=False)
class ChainProfile:
    """The figures of one underlying; only contracts that are not settled count.

    Attributes
    ----------
    underlying, as_of_ns, spot      as in the chain
    contracts : int                 not settled
    priced : int                    of them with open interest and a known volatility
    priced_share : float            of the open interest, NaN without any
    forwards : Forwards             which each expiry was priced on, and by which method
    gamma_exposure_usd_per_1pct : Mapping[str, float]      by sign model, our Greeks
    vendor_gamma_exposure_usd_per_1pct : float      index convention, the file's gamma, NaN = none
    zero_gamma : ZeroGamma          under ``zero_gamma_model``
    walls : Walls
    share_0dte : float              of the gross gamma exposure, due in the session asked for
    positioning : Positioning
    by_expiry, by_strike : ExposureTable     keys: days since 1970; strikes a unit
    spots : float64[PROFILE_SPOTS]      from 0.8 to 1.2 of the spot
    exposure_by_spot : float64[CHANNELS, PROFILE_SPOTS]     USD per 1 % at these, all held long
    """

    underlying: str
    as_of_ns: int
    spot: float
    contracts: int
    priced: int
    priced_share: float
    forwards: Forwards
    gamma_exposure_usd_per_1pct: Mapping[str, float]
    vendor_gamma_exposure_usd_per_1pct: float
    zero_gamma: ZeroGamma
    zero_gamma_model: SignModel
    walls: Walls
    share_0dte: float
    positioning: Positioning
    by_expiry: ExposureTable
    by_strike: ExposureTable
    spots: Floats
    exposure_by_spot: Floats


def profile_chain(
    chain: OptionChain,
    *,
    session_label: int,
    rate: float,
    dividend_yield: float,
    models: Sequence[SignModel] = SIGN_MODELS,
    zero_gamma_model: SignModel = INDEX_CONVENTION,
    user_sign: Floats | None = None,
) -> ChainProfile:
    """Return the whole profile of a chain with a known spot.

    Parameters
    ----------
    chain : OptionChain
    session_label : int             session that closes next: what expires in it is 0DTE
    rate, dividend_yield : float    a year, where an expiry has neither forward nor parity
    models : Sequence[SignModel]    `USER_SIGNED` is added where `user_sign` is given
    zero_gamma_model : SignModel
    user_sign : float64[n] | None   dealers' side of each contract, -1 to 1, NaN = unknown
    """
    if user_sign is not None:
        user_sign = user_sign[chain.settlement_ns >= chain.as_of_ns]
        models = (*models, USER_SIGNED)
    chain = chain.unexpired()
    forwards = expiry_forwards(chain, rate=rate, dividend_yield=dividend_yield)
    positions = open_positions(chain, forwards, user_sign=user_sign)
    exposures = positions.gamma_exposures(chain.spot)
    strike = unit_strikes(chain.strike, chain.multiplier, chain.deliverable)
    by_strike = exposure_table(strike, chain, positions, exposures)
    signed = model_weights(models) @ (positions.channels @ exposures)
    open_interest = np.nan_to_num(chain.open_interest, nan=0.0)
    spots = chain.spot * np.linspace(LOWEST, HIGHEST, PROFILE_SPOTS)
    return ChainProfile(
        underlying=chain.underlying,
        as_of_ns=chain.as_of_ns,
        spot=chain.spot,
        contracts=len(chain),
        priced=len(positions.contract),
        priced_share=_share(open_interest[positions.contract].sum(), open_interest.sum()),
        forwards=forwards,
        gamma_exposure_usd_per_1pct={
            model.name: float(figure) for model, figure in zip(models, signed, strict=True)
        },
        vendor_gamma_exposure_usd_per_1pct=vendor_gamma_exposure(chain, INDEX_CONVENTION),
        zero_gamma=zero_gamma(positions, spot=chain.spot, weights=zero_gamma_model.weights),
        zero_gamma_model=zero_gamma_model,
        walls=walls(by_strike),
        share_0dte=share_of(exposures, chain.expiry[positions.contract] == session_label),
        positioning=positioning(by_strike, risk_reversal(chain, forwards)),
        by_expiry=exposure_table(chain.expiry, chain, positions, exposures),
        by_strike=by_strike,
        spots=spots,
        exposure_by_spot=positions.gamma_profile(spots),
    )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0.0 else np.nan
