"""Where the lines of a text begin and end, whatever its line ends, mixed ones too."""

from dataclasses import dataclass

import numpy as np

from core.columns import Bools, Int64s

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 64 * 1024
"""Bytes a line may have: a record's bound on the wire (the public contract's figure)."""

_LINE_FEED = 10
_RETURN = 13
_HIGH_BIT = 0x80


@dataclass(frozen=True, eq=False)
class Lines:
    """A text and its lines.

    ``data`` is the text without its byte order mark; line i is ``data[start[i]:end[i]]``, both
    int64[n], and the file's line number ``first + i``. A line ends with LF, CR LF or CR; after a
    last line end there is no further line.
    """

    data: bytes
    start: Int64s
    end: Int64s
    first: int = 1

    def __len__(self) -> int:
        return len(self.start)

    def line(self, index: int) -> bytes:
        """Return line `index` (from 0) without its line end."""
        return self.data[self.start[index] : self.end[index]]

    @property
    def written(self) -> Int64s:
        """Indices of the lines that are not empty, ascending."""
        return np.flatnonzero(self.length)

    @property
    def length(self) -> Int64s:
        """Bytes of each line without its line end, int64[n]."""
        return self.end - self.start

    def count(self, byte: int) -> Int64s:
        """Return how often `byte` occurs in each line, int64[n]."""
        positions = np.flatnonzero(np.frombuffer(self.data, np.uint8) == byte)
        counts: Int64s = np.searchsorted(positions, self.end) - np.searchsorted(
            positions, self.start
        )
        return counts

    def not_utf8(self) -> Bools:
        """Mark the lines that are not valid UTF-8, bool[n]."""
        bad = np.zeros(len(self), np.bool_)
        try:
            self.data.decode()
        except UnicodeDecodeError:
            high = np.flatnonzero(np.frombuffer(self.data, np.uint8) >= _HIGH_BIT)
            suspects = np.unique(np.searchsorted(self.start, high, side="right") - 1)
            for index in suspects.tolist():
                bad[index] = not _is_utf8(self.line(index))
        return bad


def split_lines(data: bytes, first: int = 1) -> Lines:
    """Find the lines of `data`, whose first is line `first` of its file.

    A byte order mark at the start is dropped.
    """
    data = data.removeprefix(BYTE_ORDER_MARK)
    codes = np.frombuffer(data, np.uint8)
    feeds = np.flatnonzero(codes == _LINE_FEED)
    returns = np.flatnonzero(codes == _RETURN)
    if len(returns):
        lone = returns[~np.isin(returns + 1, feeds, assume_unique=True)]
        breaks = np.sort(np.concatenate((feeds, lone)))
        after_return = (codes[breaks] == _LINE_FEED) & np.isin(
            breaks - 1, returns, assume_unique=True
        )
    else:
        breaks = feeds
        after_return = np.zeros(len(feeds), np.bool_)
    start = np.concatenate(([0], breaks + 1)).astype(np.int64)
    end = np.concatenate((breaks - after_return, [len(data)])).astype(np.int64)
    if start[-1] == len(data):
        start, end = start[:-1], end[:-1]
    return Lines(data, start, end, first)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
