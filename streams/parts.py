"""Events as they were decoded, side by side and not yet judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.columns import Bools, Floats, Int32s, Int64s

MAX_SOURCES = 256
"""Sources a partition tells apart: each costs memory, and a field filled with ids would be one
source an event."""
MAX_SOURCE_LENGTH = 64


@dataclass(frozen=True, eq=False)
class Part:
    """Parallel arrays, one entry an event.

    Attributes
    ----------
    record : int32[n]       position of its record in the batch
    code : int32[n]         of its name, see `streams.routes.Routes`
    event_ns : int64[n]
    figure : float64[n]     price, or net creation in USD
    sequence : int64[n]     0 where there is none
    source : int32[n]       from `Sources`; -1 where it cannot be used
    extra : int64[n]        official close or session label, ``BAD_NUMBER`` where neither
    volume : float64[n]     traded in the session so far; 0 or NaN where there is none
    """

    record: Int32s
    code: Int32s
    event_ns: Int64s
    figure: Floats
    sequence: Int64s
    source: Int32s
    extra: Int64s
    volume: Floats

    def at(self, chosen: Bools) -> "Part":
        """Return the events that are chosen, bool[n]."""
        return Part(*(getattr(self, field.name)[chosen] for field in fields(self)))


def joined(parts: Sequence[Part]) -> Part:
    """Return the events of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Part(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Part))
    )


class Sources:
    """Numbers of the sources of a partition, the same ones that its book uses.

    Parameters
    ----------
    index : callable    name -> number, `core.book.Book.source_index`
    """

    def __init__(self, index: Callable[[str], int]) -> None:
        self._index = index
        self._number: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return a source's number, -1 where there are too many or its name is too long."""
        known = self._number.get(name)
        if known is not None:
            return known
        if len(self._number) >= MAX_SOURCES or len(name) > MAX_SOURCE_LENGTH:
            return -1
        number = self._number[name] = self._index(name)
        return number
