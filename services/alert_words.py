"""Words and units of an alert's texts: money by side, measures, clocks, what is left of a deadline.

A sign is told as BUY or SELL; a ratio in per cent; a time by its venue's clock.
"""

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.sessions import NANOS_PER_SECOND, NO_TIME

MOST_SUMMARY = 120
"""Most characters of a summary; a phone shows no more."""
MOST_NAME = 24
"""Most characters of a name in a text; longer ones are cut."""

UNKNOWN = "unknown"

_BILLION, _MILLION, _THOUSAND = 1e9, 1e6, 1e3
_MINUTE_SECONDS = 60.0
_RATIOS = {
    "adv_ratio": " of ADV",
    "auction_ratio": " of the closing auction",
    "last_half_hour_ratio": " of the usual last half hour",
    "underlying_return": "",
    "breach_probability": "",
    "coverage": "",
}
_FLOW_RATIOS = frozenset({"adv_ratio", "auction_ratio", "last_half_hour_ratio"})


def money(usd: float) -> str:
    """Return the size of an amount: "$1.24bn"."""
    if math.isnan(usd):
        return UNKNOWN
    size = abs(usd)
    for unit, word in ((_BILLION, "bn"), (_MILLION, "m"), (_THOUSAND, "k")):
        if size >= unit:
            return f"${_three_digits(size / unit)}{word}"
    return f"${size:.0f}"


def _three_digits(size: float) -> str:
    """Return a size >= 0 to three digits, never as a power of ten."""
    digits = next((n for n, most in ((4, 0.1), (3, 1), (2, 10), (1, 100)) if size < most), 0)
    text = f"{size:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def side_of(usd: float) -> str:
    """Return BUY or SELL; nothing for nothing."""
    if math.isnan(usd) or usd == 0.0:
        return ""
    return "BUY" if usd > 0.0 else "SELL"


def flow(usd: float) -> str:
    """Return an amount with its side: "SELL $1.24bn"."""
    return f"{side_of(usd)} {money(usd)}".lstrip()


def flow_range(low_usd: float, high_usd: float) -> str:
    """Return what lies between two amounts: "SELL $920m to $1.61bn", the smaller size first."""
    if side_of(low_usd) != side_of(high_usd):
        return f"{flow(low_usd)} to {flow(high_usd)}"
    near, far = sorted((low_usd, high_usd), key=abs)
    return f"{flow(near)} to {money(far)}"


def percent(ratio: float) -> str:
    """Return a share in per cent, without a sign: "9.82 %"."""
    return UNKNOWN if math.isnan(ratio) else f"{_three_digits(abs(ratio) * 100)} %"


def is_flow(measure: str) -> bool:
    """Return whether a measure's sign says who buys and who sells."""
    return measure in _FLOW_RATIOS or measure.endswith("_usd")


def name_of_measure(measure: str) -> str:
    """Return a measure as people call it: "dealer hedge"."""
    return measure.removesuffix("_usd").replace("_", " ")


def measured(measure: str, value: float) -> str:
    """Return the value of a measure with its side and unit: "SELL 12.3 % of ADV"."""
    if math.isnan(value):
        return UNKNOWN
    if measure in _FLOW_RATIOS:
        return f"{side_of(value)} {bound(measure, value)}".lstrip()
    if measure.endswith("_usd"):
        return f"{flow(value)} of {name_of_measure(measure)}"
    sign = "-" if value < 0.0 else ""
    return f"{sign}{bound(measure, value)} {_told_after(measure)}".rstrip()


def bound(measure: str, value: float) -> str:
    """Return the size of a measure with its unit: "8 % of ADV"."""
    if measure in _RATIOS:
        return f"{percent(value)}{_RATIOS[measure]}"
    return money(value) if measure.endswith("_usd") else _three_digits(abs(value))


def _told_after(measure: str) -> str:
    return "" if measure in _FLOW_RATIOS else name_of_measure(measure)


def clock(time_ns: int, zone: str) -> str:
    """Return a time of today by a zone's clock, to the second: "15:08:00 EDT"."""
    if time_ns == NO_TIME:
        return "never"
    return _local(time_ns // NANOS_PER_SECOND, zone).strftime("%H:%M:%S %Z")


@lru_cache(maxsize=4096)
def _local(second: int, zone: str) -> datetime:
    return datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone))


def time_left(cutoff_seconds: float, close_seconds: float) -> str:
    """Return what is left to the cut-off for close orders, or after it to the close."""
    if math.isnan(cutoff_seconds):
        return "time to the cut-off unknown"
    if cutoff_seconds > 0.0:
        return f"{_span(cutoff_seconds)} to the cut-off"
    if math.isnan(close_seconds) or close_seconds <= 0.0:
        return "past the cut-off"
    return f"past the cut-off, {_span(close_seconds)} to the close"


_TIME_LEFT = re.compile(
    r"([:,] (past the cut-off|time to the cut-off unknown"
    r"|\d+ (s|min|h \d+ min) to the (cut-off|close)))+$"
)


def without_time_left(summary: str) -> str:
    """Return a summary without the `time_left` at its end."""
    return _TIME_LEFT.sub("", summary)


def _span(seconds: float) -> str:
    # Rounded down: nobody must believe to have a minute that is already running.
    if seconds < _MINUTE_SECONDS:
        return f"{int(seconds)} s"
    hours, minutes = divmod(int(seconds // _MINUTE_SECONDS), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def short(name: str) -> str:
    """Return a name that fits into a text."""
    return name if len(name) <= MOST_NAME else name[: MOST_NAME - 1] + "…"


def cut(summary: str) -> str:
    """Return a summary that fits onto a phone."""
    return summary if len(summary) <= MOST_SUMMARY else summary[: MOST_SUMMARY - 1] + "…"
