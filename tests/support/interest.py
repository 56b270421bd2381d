"""Records of open interest on ACME."""

from tests.support.records import TIME_NS, event

BEFORE_OPEN_NS = TIME_NS - 3600 * 10**9
"""Half an hour before the open of the session of `tests.support.records.TIME_NS`."""


def level(**keys: object) -> bytes:
    """Return a level of a call on ACME; a key given as "-" is left out."""
    whole = {
        "underlying": "ACME",
        "expiry": "2026-06-26",
        "strike": 105.0,
        "right": "call",
        "open_interest": 1200,
        "implied_volatility": 0.3,
        "event_time": TIME_NS,
    }
    return event(**{name: value for name, value in (whole | keys).items() if value != "-"})
