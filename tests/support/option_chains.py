"""Small option chains for the tests: the columns that are not named get plain values."""

import numpy as np

from core.contracts import OptionChain
from core.sessions import NANOS_PER_SECOND
from tests.support.core_universe import at

DAY_NS = 86_400 * NANOS_PER_SECOND


def chain(strike: object, **columns: object) -> OptionChain:
    """Return a chain of 100-unit contracts on one underlying at 100.

    Unless named, each is a European call of 1000 contracts at 20 %, 30 days before settlement,
    delivered, without quote, forward or vendor's gamma.
    """
    strikes = np.asarray(strike, np.float64)
    as_of_ns = int(columns.get("as_of_ns", at(0, 0)))  # type: ignore[call-overload]
    plain: dict[str, object] = {
        "root": np.zeros(len(strikes), np.int32),
        "expiry": 30,
        "settlement_ns": as_of_ns + 30 * DAY_NS,
        "is_call": True,
        "open_interest": 1_000.0,
        "implied_volatility": 0.2,
        "multiplier": 100.0,
        "deliverable": columns.get("multiplier", 100.0),
        "is_cash_settled": False,
        "is_american": False,
        "forward": np.nan,
        "mid": np.nan,
        "vendor_gamma": np.nan,
        "effective_label": 0,
    }
    whole = {"underlying": "XYZ", "spot": 100.0, "as_of_ns": as_of_ns, "roots": ("XYZ",)}
    for name in whole.keys() & columns.keys():
        whole[name] = columns.pop(name)
    each = {
        name: np.broadcast_to(np.asarray(value), strikes.shape).copy()
        for name, value in (plain | columns).items()
    }
    return OptionChain(strike=strikes, **whole, **each)  # type: ignore[arg-type]
