"""Numbers as a browser shows them: decimal points or commas, thousands apart or not.

``1,234.5`` and ``1.234,5`` are the same number in two countries, and ``565.615`` may be either of
two numbers. Nothing is guessed from one cell: what is known otherwise decides.
"""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Floats
from services.event_values import Numbers, numbers

DECIMALS = (".", ",")
"""The marks that may stand before a fraction, the usual one first."""
_OTHER = {".": ",", ",": "."}
_SPACES = r"\s'\x{2019}\x{00a0}\x{202f}\x{2009}"


def read_numbers(column: pa.Array, *, decimal: str) -> Numbers:
    """Read texts as numbers whose fraction follows `decimal`; thousands may be set apart.

    Parameters
    ----------
    column : pa.Array[n] of large_string, null = none
    decimal : str    one of ``DECIMALS``; the other one, a space or an apostrophe may part groups
        of three digits, and parts nothing else
    """
    parting = f"[{_SPACES}\\{_OTHER[decimal]}]"
    grouped = rf"^[+-]?\d{{1,3}}({parting}\d{{3}})+(\{decimal}\d*)?$"
    text = pc.if_else(
        pc.match_substring_regex(column, grouped),
        pc.replace_substring_regex(column, parting, ""),
        column,
    )
    if decimal == ",":
        # A point that is left parts no thousands: it must not become part of a number.
        text = pc.replace_substring(text, ".", "?")
        text = pc.replace_substring(text, ",", ".")
    return numbers(text)


def decimal_of(
    strike: pa.Array,
    known_strike: Floats,
    *,
    levels: Sequence[pa.Array],
    others: Sequence[pa.Array],
) -> str:
    """Return the mark before fractions that fits a file best, the usual one if both do.

    Parameters
    ----------
    strike, known_strike    texts and float64[n]: what they must turn out to be
    levels                  columns of texts that hold whole numbers
    others                  columns of texts that hold any numbers
    """
    misfits = [
        _misfits(strike, known_strike, levels=levels, others=others, decimal=decimal)
        for decimal in DECIMALS
    ]
    return DECIMALS[int(np.argmin(misfits))]


def _misfits(
    strike: pa.Array,
    known_strike: Floats,
    *,
    levels: Sequence[pa.Array],
    others: Sequence[pa.Array],
    decimal: str,
) -> int:
    found = read_numbers(strike, decimal=decimal)
    count = int((found.bad | ~np.isclose(found.value, known_strike, rtol=1e-9)).sum())
    for column in levels:
        level = read_numbers(column, decimal=decimal)
        count += int((level.bad | (level.value % 1.0 > 0.0)).sum())
    return count + sum(int(read_numbers(column, decimal=decimal).bad.sum()) for column in others)


def number_near(text: str, near: float) -> float:
    """Return the number that a text may be which lies nearest to `near` in ratio, NaN if none."""
    cell = pa.array([text.strip()], pa.large_string())
    found = [float(read_numbers(cell, decimal=decimal).value[0]) for decimal in DECIMALS]
    fitting = [value for value in found if value > 0.0]
    if not fitting:
        return math.nan
    return min(fitting, key=lambda value: abs(math.log(value / near))) if near > 0 else fitting[0]
