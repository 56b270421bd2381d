"""The two kinds of events: how their keys are named and what their values may be."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Protocol

import msgspec

from core.errors import BadInputError
from core.sessions import NO_SESSION
from streams.topics import FLOWS, PRICES

BAD_NUMBER = -(2**62)
"""Stands for a kind, session or sequence that is none; no good one is as small."""

OPTIONAL = ("sequence", "source", "volume")
"""Keys that events of both kinds may have, beside ``kind`` and ``session``."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Row(Protocol):
    """One event as its JSON object says, under names that both kinds share.

    ``key`` is the symbol or fund, "" where there is none; ``figure`` the price or the net
    creation, NaN where there is none; ``extra`` the kind of price or the session of a creation.
    """

    key: str
    event_time: int
    figure: float
    sequence: int
    source: str
    extra: str
    volume: float


class PriceRow(
    msgspec.Struct, gc=False, rename={"key": "symbol", "figure": "price", "extra": "kind"}
):
    """A price; everything optional has the value that stands for nothing."""

    event_time: int
    key: str = ""
    figure: float = math.nan
    sequence: int = 0
    source: str = ""
    extra: str = "trade"
    volume: float = 0.0


class FlowRow(
    msgspec.Struct,
    gc=False,
    # A creation has no volume: the empty key is one that nobody sends.
    rename={"key": "fund", "figure": "net_creation_usd", "extra": "session", "volume": ""},
):
    """A cumulative net creation; everything optional has the value that stands for nothing."""

    event_time: int
    key: str = ""
    figure: float = math.nan
    sequence: int = 0
    source: str = ""
    extra: str = ""
    volume: float = 0.0


def price_kind(text: str) -> int:
    """Return 1 for an official close, 0 for a trade.

    Raises
    ------
    BadInputError
        ``bad_kind`` for anything else.
    """
    if text not in {"trade", "official_close"}:
        raise BadInputError(
            "bad_kind", f"expected kind trade or official_close, it was {text[:64]!r}"
        )
    return int(text == "official_close")


@lru_cache(maxsize=4096)
def session_label(text: str) -> int:
    """Return a session's date as days since 1970, ``NO_SESSION`` for the empty text.

    Raises
    ------
    BadInputError
        ``bad_session`` if it is not a date like 2026-06-23.
    """
    if not text:
        return NO_SESSION
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text).toordinal() - _EPOCH_DAY
        except ValueError:
            pass
    raise BadInputError("bad_session", f"expected a date like 2026-06-23, it was {shown(text)}")


@dataclass(frozen=True)
class EventKind:
    """What differs between the events of two topics.

    Attributes
    ----------
    topic, key, figure, extra : str    the topic, and the public names of its keys
    row : type[Row]                    what a JSON object is decoded into
    extra_code : callable              text of ``extra`` -> its number; raises `BadInputError`
    positive : bool                    whether the figure has to be above 0
    """

    topic: str
    key: str
    figure: str
    extra: str
    row: Callable[..., Row]
    extra_code: Callable[[str], int]
    positive: bool

    @property
    def no_extra(self) -> str:
        """What ``extra`` is where an event does not say."""
        return "trade" if self.positive else ""

    def figure_error(self, found: object) -> BadInputError:
        """Return the error of a figure that cannot be used."""
        wanted = "a finite number above 0" if self.positive else "a finite number of USD"
        return BadInputError(f"bad_{self.figure}", f"expected {wanted}, it was {shown(found)}")


PRICE = EventKind(PRICES, "symbol", "price", "kind", PriceRow, price_kind, positive=True)
FLOW = EventKind(
    FLOWS, "fund", "net_creation_usd", "session", FlowRow, session_label, positive=False
)
KINDS = (PRICE, FLOW)


def shown(value: object) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 (a line of a terminal)
