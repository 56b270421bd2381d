"""Blocks of text for what differs: a title, a line that sums up, and a line for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.screen import UNKNOWN, usd

SHOWN = 10
"""Details shown of a block; the rest is counted."""
_TITLE_WIDTH = 18


class Change(NamedTuple):
    """A number that changed, of a fund or reference; NaN = unknown."""

    name: str
    before: float
    after: float

    @property
    def size(self) -> float:
        """How much; from or to unknown all of it."""
        return abs(known(self.after) - known(self.before))


@dataclass(frozen=True)
class Block:
    """One subject of a difference."""

    title: str
    summary: str
    details: Sequence[str] = ()

    def lines(self) -> list[str]:
        """Return it as lines; of many details the first ones and how many more there are."""
        lines = [f"{self.title:<{_TITLE_WIDTH}} {self.summary}"]
        lines += [f"  {detail}" for detail in self.details[:SHOWN]]
        if len(self.details) > SHOWN:
            lines.append(f"  … and {len(self.details) - SHOWN} more")
        return lines


def known(value: float) -> float:
    """Return a number, 0 where it is unknown: for sizes and sums."""
    return 0.0 if math.isnan(value) else value


def is_same(one: float, other: float) -> bool:
    """Say whether two numbers are equal; unknown equals unknown."""
    return one == other or (math.isnan(one) and math.isnan(other))


def amount(value_usd: float) -> str:
    """Return USD without a sign: "1.24 bn"."""
    return UNKNOWN if math.isnan(value_usd) else usd(value_usd).removeprefix("+")


def multiple(leverage_factor: float) -> str:
    """Return a leverage factor with its sign: "+2", "-1.5"."""
    return f"{leverage_factor:+g}"


def from_to(before_usd: float, after_usd: float) -> str:
    """Return a change of USD: "1.20 bn → 1.24 bn (+40.0 m)"."""
    text = f"{amount(before_usd)} → {amount(after_usd)}"
    if math.isnan(before_usd) or math.isnan(after_usd):
        return text
    return f"{text} ({usd(after_usd - before_usd)})"


def largest_first(changes: Sequence[Change]) -> list[Change]:
    """Return changes by their size, equal ones by name."""
    return sorted(changes, key=lambda change: (-change.size, change.name))


def counted(count: int, one: str, several: str = "") -> str:
    """Return a count with its noun: "1 fund", "2 funds"."""
    return f"{count} {one if count == 1 else several or one + 's'}"
