"""Rows of a file that cannot be used: what is kept of them, and the file they are written to."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.output_files import writing

KEPT_BYTES = 64 * 1024
"""How much of a bad row is kept; the same bound as that of a record (the public contract's)."""

COLUMNS = ("reason", "file", "line", "raw", "length", "sha256")


@dataclass(frozen=True)
class Reject:
    """One bad row.

    Attributes
    ----------
    reason : str    short name, as in counters and dead letters: "bad_price", "future", ...
    file : str      path as it was given
    line : int      1 for the first line of a text file; row number, from 1, in Parquet
    raw : bytes     its first 64 KiB
    length : int    its full length in bytes
    sha256 : str    of all of it, hexadecimal
    """

    reason: str
    file: str
    line: int
    raw: bytes
    length: int
    sha256: str

    @classmethod
    def of(cls, raw: bytes, *, reason: str, file: str, line: int) -> Self:
        """Describe `raw`, the whole row as it stands in its file."""
        digest = hashlib.sha256(raw).hexdigest()
        return cls(reason, file, line, raw[:KEPT_BYTES], len(raw), digest)


def write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    """Write bad rows as CSV; bytes that are not UTF-8 are shown as hexadecimal escapes."""
    with writing(path), path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for reject in rejects:
            text = reject.raw.decode("utf-8", errors="backslashreplace")
            writer.writerow(
                (reject.reason, reject.file, reject.line, text, reject.length, reject.sha256)
            )
