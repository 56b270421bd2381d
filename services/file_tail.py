"""A growing file, read as it grows; one that is replaced or cut is read from its new start."""

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

from services.line_buffer import LineBuffer

CHUNK_BYTES = 1024 * 1024
"""Bytes read at a time, so that a long backlog does not hold up heartbeats and signals."""


class Tail(NamedTuple):
    """``lines``: whole lines; ``is_new``: they are the first of a file; ``more``: read on."""

    lines: bytes
    is_new: bool
    more: bool


class FileTail:
    """Follows the file at a path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._buffer = LineBuffer()

    @property
    def is_gone(self) -> bool:
        """Whether there is no file at the path, or it cannot be opened."""
        return self._file is None

    def read(self) -> Tail:
        """Return the lines that were completed since the last call, some of them at least."""
        is_new = self._file is None and self._open()
        if self._file is None:
            return Tail(b"", is_new=False, more=False)
        data = self._file.read(CHUNK_BYTES)
        if data:
            return Tail(self._buffer.feed(data), is_new=is_new, more=len(data) == CHUNK_BYTES)
        if self._is_replaced(self._file):
            last = self._buffer.rest()
            self.close()
            return Tail(last, is_new=is_new, more=True)
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._buffer.rest()
            self.close()
            return Tail(b"", is_new=is_new, more=True)
        return Tail(b"", is_new=is_new, more=False)

    def _open(self) -> bool:
        try:
            self._file = self.path.open("rb", buffering=0)
        except OSError:
            return False
        return True

    def _is_replaced(self, file: BinaryIO) -> bool:
        here = os.fstat(file.fileno())
        try:
            there = self.path.stat()
        except OSError:
            return True
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)

    def close(self) -> None:
        """Close the file; reading opens it anew, from its start."""
        if self._file is not None:
            self._file.close()
            self._file = None
