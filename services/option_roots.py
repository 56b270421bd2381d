"""What the contracts of an option root are: underlying, multiplier, settlement and style."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

Settles = Literal["close", "open", "monthly-open"]

ROOTS_FILE = Path(__file__).with_name("option_roots.toml")
"""The table the project ships; its head says what the entries mean."""


@dataclass(frozen=True)
class Terms:
    """The terms of a root's contracts, unless a file states others.

    ``multiplier`` is what strike and premium are multiplied by, and how many units are delivered;
    ``settles`` says when in the session of the expiry.
    """

    underlying: str
    multiplier: float = 100.0
    is_cash_settled: bool = False
    is_american: bool = True
    settles: Settles = "close"


def terms_of(root: str, underlying: str = "") -> Terms:
    """Return the terms of a root's contracts.

    A root that the table does not list, on an underlying that it does, has that one's terms but
    settles at the close (the weekly contracts of an index or a future); else it is a share's.
    """
    known = _shipped()
    if root in known:
        return known[root]
    if underlying in known:
        return replace(known[underlying], settles="close")
    return Terms(underlying or root)


def is_adjusted(root: str) -> bool:
    """Say whether a root names contracts with a deliverable of their own.

    The clearing house adds a digit to the root when a contract comes to deliver something else
    than a hundred shares (``AAPL1``), and one in front for flexible contracts (``1SPX``): what
    these deliver is not to be read from their symbol.
    """
    return root[:1].isdigit() or root[-1:].isdigit()


@cache
def _shipped() -> Mapping[str, Terms]:
    content = tomllib.loads(ROOTS_FILE.read_text(encoding="utf-8"))
    return {root: _terms(root, entry) for root, entry in content["roots"].items()}


def _terms(root: str, entry: Mapping[str, Any]) -> Terms:
    return Terms(
        underlying=entry.get("underlying", root),
        multiplier=float(entry.get("multiplier", 100)),
        is_cash_settled=entry.get("settlement", "physical") == "cash",
        is_american=entry.get("style", "american") == "american",
        settles=entry.get("settles", "close"),
    )
