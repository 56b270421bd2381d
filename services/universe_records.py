"""A universe as records of the topic ``universe``: the rows of its files, then their commit.

``VERSION|FILE|NUMBER`` is the key of a row, its value the row as a line of CSV; number 0 names the
columns. ``VERSION`` alone is the key of the commit, whose value is JSON. Only the files and columns
that make up the version are records: what no part reads is not sent.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from core.errors import BadInputError, ConfigError
from services.universe_layouts import LAYOUTS
from services.universe_tables import Tables, read_contents
from streams.topics import MAX_EVENT_BYTES

FORMAT = 1
"""Of commit and rows; a reader refuses another."""
_SEPARATOR = "|"
_NUMBER = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)

Lines = Mapping[str, list[bytes]]
"""File -> its lines of CSV; the first names the columns."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Makes a version whole.

    Attributes
    ----------
    files : dict[str, int]     rows of each file, without the line of column names
    sha256 : str               of all lines, as `digest` takes them
    imported_at : str          host time, RFC 3339
    imported_from : str        host and folder
    previous : str | None      the version that was the newest before
    """

    version: str
    files: dict[str, int]
    sha256: str
    imported_at: str
    imported_from: str
    previous: str | None = None
    format: int = FORMAT

    def encoded(self) -> bytes:
        """Return the record value."""
        return msgspec.json.encode(self)


class RowKey(NamedTuple):
    """Where a row belongs; without a file it is the commit's own key."""

    version: str
    file: str = ""
    number: int = 0

    def encoded(self) -> bytes:
        """Return the record key."""
        parts = (self.version, self.file, str(self.number)) if self.file else (self.version,)
        return _SEPARATOR.join(parts).encode()


def parse_key(key: bytes) -> RowKey | None:
    """Return what a record key names, None where it is none of ours."""
    try:
        parts = key.decode().split(_SEPARATOR)
    except UnicodeDecodeError:
        return None
    match parts:
        case [version] if version:
            return RowKey(version)
        case [version, file, number] if version and file and _NUMBER.fullmatch(number):
            return RowKey(version, file, int(number))
    return None


def parse_commit(value: bytes) -> Commit:
    """Return a commit.

    Raises
    ------
    BadInputError
        ``bad_commit`` if it is none, or of another format.
    """
    try:
        commit = msgspec.json.decode(value, type=Commit)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError("bad_commit", f"expected a commit: {error}") from error
    if commit.format != FORMAT:
        raise BadInputError("bad_commit", f"expected format {FORMAT}, it was {commit.format}")
    return commit


def lines_of(tables: Tables) -> dict[str, list[bytes]]:
    """Return the lines of the files that have rows, and of those that must exist.

    Raises
    ------
    ConfigError
        If a row is longer than a record may be, or would not be read back as it was.
    """
    lines: dict[str, list[bytes]] = {}
    for file, layout in LAYOUTS.items():
        rows = tables.rows[file]
        if not rows and not layout.is_required:
            continue
        lines[file] = [_line(layout.columns)]
        for row in rows:
            line = _line(row.text(column) for column in layout.columns)
            if len(line) > MAX_EVENT_BYTES:
                raise ConfigError(
                    f"{file}:{row.line}: expected a row of at most {MAX_EVENT_BYTES} bytes, "
                    f"it was {len(line)}"
                )
            lines[file].append(line)
    read_back = read_contents(contents_of(lines)).version
    if read_back != tables.version:
        raise ConfigError(f"expected {tables.version} to be read back, it was {read_back}")
    return lines


def contents_of(lines: Lines) -> dict[str, bytes]:
    """Return each file as it would lie in a folder."""
    return {file: b"\n".join(rows) for file, rows in lines.items()}


def rows_of(version: str, lines: Lines) -> dict[bytes, bytes]:
    """Return the records of a version without its commit, key -> value."""
    return {
        RowKey(version, file, number).encoded(): line
        for file, rows in lines.items()
        for number, line in enumerate(rows)
    }


def digest(lines: Lines) -> str:
    """Return the sha256 of all lines: file by file in the order of names, each with its length."""
    total = hashlib.sha256()
    for file in sorted(lines):
        for number, line in enumerate(lines[file]):
            total.update(f"{file}|{number}|{len(line)}\n".encode() + line)
    return total.hexdigest()


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().encode()
