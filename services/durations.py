"""Durations as people write them: ``30s``, ``5m``, ``1h30m``, ``250ms``."""

import re
from decimal import Decimal

from core.errors import ConfigError

_UNITS_NS = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
}
_PARTS = re.compile("".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit in _UNITS_NS))
_LONGEST_NS = 3660 * _UNITS_NS["d"]
"""Ten years; added to any event time it still fits an int64."""


def parse_duration_ns(text: str) -> int:
    """Return a duration in nanoseconds, >= 0 and at most ten years.

    Raises
    ------
    ConfigError
        If it is not numbers with the units d, h, m, s, ms, each at most once, the largest first.
    """
    match = _PARTS.fullmatch(text)
    if match is None or not text:
        raise ConfigError(f"expected a duration such as 30s, 5m or 1h30m, was {text!r}")
    total = sum(
        Decimal(number) * unit_ns
        for number, unit_ns in zip(match.groups("0"), _UNITS_NS.values(), strict=True)
    )
    if total > _LONGEST_NS:
        raise ConfigError(f"expected a duration of at most 3660d, was {text!r}")
    return int(total)


def duration_text(duration_ns: int) -> str:
    """Return a duration as `parse_duration_ns` reads it, whole milliseconds: "1h30m"."""
    rest, text = duration_ns, ""
    for unit, unit_ns in _UNITS_NS.items():
        number, rest = divmod(rest, unit_ns)
        text += f"{number}{unit}" if number else ""
    return text or "0s"
