"""What the records of the topic ``universe`` add up to: versions, and which of them is in force."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from core.errors import BadInputError
from services.universe_records import Commit, Lines, RowKey, digest, parse_commit, parse_key

_SHOWN_ROWS = 3


@dataclass(frozen=True)
class WholeVersion:
    """A committed version whose rows are all there; ``offset`` is that of its commit."""

    commit: Commit
    offset: int
    lines: Lines

    @property
    def version(self) -> str:
        """The version's name."""
        return self.commit.version


@dataclass(frozen=True)
class BrokenVersion:
    """A committed version that cannot be used, and why; ``offset`` is that of its commit."""

    version: str
    offset: int
    reason: str


class _StoredCommit(NamedTuple):
    offset: int
    value: bytes


@dataclass
class _Stored:
    rows: dict[str, dict[int, bytes]] = field(default_factory=dict)
    commit: _StoredCommit | None = None


class Versions:
    """The versions in the records so far; the order of commits says which is the newest."""

    def __init__(self) -> None:
        self._versions: dict[str, _Stored] = {}

    def apply(self, key: bytes | None, value: bytes | None, offset: int) -> None:
        """Take one record, in the order of the log; without a value it removes its key.

        What has not a key of ours is left alone.
        """
        name = parse_key(key) if key is not None else None
        if name is None:
            return
        stored = self._versions.setdefault(name.version, _Stored())
        if not name.file:
            stored.commit = _StoredCommit(offset, value) if value is not None else None
        elif value is not None:
            stored.rows.setdefault(name.file, {})[name.number] = value
        else:
            rows = stored.rows.get(name.file, {})
            rows.pop(name.number, None)
            if not rows:
                stored.rows.pop(name.file, None)
        if stored.commit is None and not stored.rows:
            del self._versions[name.version]

    def committed(self) -> Iterator[WholeVersion | BrokenVersion]:
        """Judge each committed version, the newest first."""
        commits = [
            (stored.commit, version, stored.rows)
            for version, stored in self._versions.items()
            if stored.commit is not None
        ]
        for commit, version, rows in sorted(commits, key=lambda each: -each[0].offset):
            try:
                yield _whole(version, commit, rows)
            except BadInputError as error:
                yield BrokenVersion(version, commit.offset, str(error))

    def keys(self) -> dict[bytes, str]:
        """Return every key there is, with the version it belongs to; rows before their commit."""
        keys: dict[bytes, str] = {}
        for version, stored in self._versions.items():
            for file, rows in stored.rows.items():
                keys |= {RowKey(version, file, number).encoded(): version for number in rows}
            if stored.commit is not None:
                keys[RowKey(version).encoded()] = version
        return keys


def _whole(version: str, stored: _StoredCommit, rows: dict[str, dict[int, bytes]]) -> WholeVersion:
    commit = parse_commit(stored.value)
    if commit.version != version:
        raise BadInputError("bad_commit", f"expected a commit of {version}, of {commit.version}")
    lines: dict[str, list[bytes]] = {}
    for file in sorted({*commit.files, *rows}):
        count = commit.files.get(file)
        if count is None:
            raise BadInputError(
                "bad_commit", f"expected no rows of {file}, {len(rows[file])} exist"
            )
        lines[file] = _lines(file, rows.get(file, {}), count)
    found = digest(lines)
    if found != commit.sha256:
        raise BadInputError("bad_hash", f"expected rows of sha256 {commit.sha256}, it was {found}")
    return WholeVersion(commit, stored.offset, lines)


def _lines(file: str, rows: dict[int, bytes], count: int) -> list[bytes]:
    missing = [number for number in range(count + 1) if number not in rows]
    if missing:
        shown = ", ".join(str(number) for number in missing[:_SHOWN_ROWS])
        more = ", …" if len(missing) > _SHOWN_ROWS else ""
        raise BadInputError(
            "rows_missing", f"{file}: expected rows 0 to {count}, {shown}{more} missing"
        )
    if len(rows) > count + 1:
        raise BadInputError("rows_left", f"{file}: expected {count} rows, {len(rows) - 1} exist")
    return [rows[number] for number in range(count + 1)]
