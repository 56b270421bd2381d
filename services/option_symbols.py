"""Contract symbols of the clearing house (OSI): root, expiry, right and strike in 21 places."""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_SYMBOL = re.compile(r"([A-Z0-9]{1,6}) *(\d\d)(\d\d)(\d\d)([CP])(\d{8})", re.ASCII)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_CENTURY = 2000
_THOUSANDTHS = 1000.0


class OptionSymbol(NamedTuple):
    """What a symbol says; ``expiry`` in days since 1970, ``strike`` in units of currency."""

    root: str
    expiry: int
    is_call: bool
    strike: float


def parse_option_symbol(text: str) -> OptionSymbol | None:
    """Read ``SPXW240105C01200000``, also with the blanks that pad the root; None if it is none."""
    match = _SYMBOL.fullmatch(text.strip())
    if match is None:
        return None
    root, year, month, day, right, thousandths = match.groups()
    expiry = _day(_CENTURY + int(year), int(month), int(day))
    strike = int(thousandths) / _THOUSANDTHS
    if expiry is None or strike == 0.0 or root.isdigit():
        return None
    return OptionSymbol(root, expiry, right == "C", strike)


@lru_cache(maxsize=4096)
def _day(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
