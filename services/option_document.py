"""A finding as the public contract's JSON object; null = unknown."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.chain_profile import ChainProfile
from core.contracts import OptionChain
from core.dealer_gamma import ExposureTable
from core.dealer_signs import ALL_SIGN_MODELS, SIGN_MODELS, SignModel
from services.option_calendar import OptionCalendar
from services.option_profile import Finding, Wanted
from services.rows import session_text, time_text

GREEKS = "Black-Scholes on each expiry's forward, American contracts as European"
_UNPRICED: dict[str, Any] = {
    "gamma_exposure_usd_per_1pct": {model.name: None for model in SIGN_MODELS},
    "vendor_gamma_exposure_usd_per_1pct": None,
    "zero_gamma": [],
    "call_wall": None,
    "put_wall": None,
    "largest_gamma_strike": None,
    "put_call_open_interest": None,
    "risk_reversal_25d_30d": None,
    "share_0dte": None,
    "by_expiry": [],
    "by_strike": [],
}
"""The figures of the contract that need a price."""


def document(finding: Finding, wanted: Wanted, calendar: OptionCalendar) -> dict[str, Any]:
    """Return one underlying's object, keys in the public contract's order."""
    chain = finding.file.chain if finding.file else None
    profile = finding.profile
    figures = _figures(profile) if profile else _unpriced(chain)
    return {
        "underlying": finding.choice.underlying,
        "as_of": time_text(chain.as_of_ns, calendar.zone) if chain else None,
        "spot": _number(profile.spot if profile else (chain.spot if chain else np.nan)),
        "method": _method(profile, wanted),
        "contracts": len(chain) if chain else 0,
        "open_interest": _open_interest(chain),
        "rejected": finding.rejected(),
        **figures,
        "coverage": _number(profile.priced_share) if profile else 0.0,
        "stale": finding.is_stale,
        "open_interest_session": _session(chain),
        "zero_gamma_reason": profile.zero_gamma.reason if profile else None,
        "notes": finding.notes,
        "files": [
            {
                "file": each.file,
                "as_of": time_text(each.as_of_ns, calendar.zone),
                "contracts": each.contracts,
                "verdict": each.verdict,
            }
            for each in finding.choice.verdicts
        ],
    }


def _figures(profile: ChainProfile) -> dict[str, Any]:
    # Where none of the open interest can be priced, a sum over nothing is not zero.
    is_known = profile.priced_share != 0.0
    exposure = profile.gamma_exposure_usd_per_1pct
    models = [model for model in ALL_SIGN_MODELS if model.name in exposure]
    return {
        "gamma_exposure_usd_per_1pct": {
            model: figure if is_known else None for model, figure in exposure.items()
        },
        "vendor_gamma_exposure_usd_per_1pct": _number(profile.vendor_gamma_exposure_usd_per_1pct),
        "zero_gamma": [
            {"level": each.level, "distance": each.distance, "long_above": each.long_above}
            for each in profile.zero_gamma.levels
        ],
        "call_wall": _number(profile.walls.call),
        "put_wall": _number(profile.walls.put),
        "largest_gamma_strike": _number(profile.walls.largest),
        "put_call_open_interest": _number(profile.positioning.put_call_open_interest),
        "risk_reversal_25d_30d": _number(profile.positioning.risk_reversal_25d_30d),
        "share_0dte": _number(profile.share_0dte),
        "by_expiry": _table(profile.by_expiry, "expiry", models=models),
        "by_strike": _table(profile.by_strike, "strike", models=models),
    }


def _unpriced(chain: OptionChain | None) -> dict[str, Any]:
    return _UNPRICED | {"put_call_open_interest": _put_call(chain)}


def _put_call(chain: OptionChain | None) -> float | None:
    if chain is None:
        return None
    known = np.nan_to_num(chain.open_interest)
    calls = known[chain.is_call].sum()
    return float(known[~chain.is_call].sum() / calls) if calls > 0.0 else None


def _open_interest(chain: OptionChain | None) -> float | None:
    if chain is None or np.isnan(chain.open_interest).all():
        return None
    return float(np.nansum(chain.open_interest))


def _session(chain: OptionChain | None) -> str | None:
    """Return the session of the open interest; of several, the oldest."""
    return session_text(int(chain.effective_label.min())) if chain and len(chain) else None


def _method(profile: ChainProfile | None, wanted: Wanted) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "greeks": GREEKS,
        "forwards": dict(sorted(Counter(profile.forwards.method).items())),
        "rate": wanted.rate,
        "dividend_yield": wanted.dividend_yield,
        "quotes_gap": _number(profile.forwards.quotes_gap),
        "zero_gamma_model": profile.zero_gamma_model.name,
    }


def _table(table: ExposureTable, key: str, *, models: Sequence[SignModel]) -> list[dict[str, Any]]:
    """Return one object a key, ascending; what has neither open interest nor gamma is left out."""
    signed = {model.name: table.signed(model).tolist() for model in models}
    calls, puts = table.call_open_interest.tolist(), table.put_open_interest.tolist()
    return [
        {
            key: session_text(int(value)) if key == "expiry" else value,
            "gamma_exposure_usd_per_1pct": {name: signed[name][place] for name in signed},
            "call_open_interest": calls[place],
            "put_open_interest": puts[place],
        }
        for place, value in enumerate(table.key.tolist())
        if calls[place] or puts[place]
    ]


def _number(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None
