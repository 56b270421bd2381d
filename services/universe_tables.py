"""A universe folder as rows of the right shape, and the version of their content."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigError
from services.universe_cells import Finding, Row
from services.universe_layouts import LAYOUTS, NOT_USED_YET


@dataclass(frozen=True, eq=False)
class Tables:
    """The rows of each file, in file order, with what was found while reading them.

    ``findings`` grows as later checks read the rows; ``notes`` is what a person should know
    though it is no fault; ``unusable`` names files whose rows are not all there, against which
    nothing can be judged.
    """

    rows: Mapping[str, list[Row]]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)

    def unusable_file(self, file: str, *, expected: str, was: str, line: int = 0) -> None:
        """Add a finding after which a file's rows are not all there."""
        self.findings.append(Finding(file, line, "", expected, was))
        self.unusable.add(file)

    def histories(self, file: str, column: str) -> dict[str, list[Row]]:
        """Return the rows of each instrument, by the symbol in a column, as first met."""
        histories: dict[str, list[Row]] = {}
        for row in self.rows[file]:
            # Rows without a symbol have nothing to do with each other.
            symbol = row.symbol(column) or f"line {row.line}"
            histories.setdefault(symbol, []).append(row)
        return histories

    @property
    def version(self) -> str:
        """Return 16 hex digits that identify the cells the project reads, and their order."""
        digest = hashlib.sha256()
        for file, layout in LAYOUTS.items():
            digest.update(f"\x1d{file}".encode())
            for row in self.rows[file]:
                cells = (row.text(column) for column in layout.columns)
                digest.update(f"\x1e{chr(31).join(cells)}".encode())
        return digest.hexdigest()[:16]


def read_folder(directory: Path) -> Tables:
    """Return the tables of a folder of CSV files; what cannot be read becomes a finding.

    Raises `ConfigError` where there is no such folder.
    """
    if not directory.is_dir():
        was = "a file" if directory.exists() else "missing"
        raise ConfigError(f"{directory}: expected a universe folder, was {was}")
    contents: dict[str, bytes | OSError] = {}
    present = sorted(path.name for path in directory.glob("*.csv"))
    for file in present:
        if file in LAYOUTS:
            try:
                contents[file] = (directory / file).read_bytes()
            except OSError as e:
                contents[file] = e
    tables = read_contents(contents)
    for file in present:
        if file in NOT_USED_YET:
            tables.notes.append(f"{file}: not used yet")
        elif file not in LAYOUTS:
            tables.notes.append(f"{file}: not a file of a universe")
    return tables


def read_contents(contents: Mapping[str, bytes | OSError]) -> Tables:
    """Return the tables of files given by name: their bytes, or why there are none."""
    tables = Tables({file: [] for file in LAYOUTS})
    for file, layout in LAYOUTS.items():
        content = contents.get(file)
        if isinstance(content, bytes):
            tables.rows[file].extend(_rows(file, content, tables))
        elif content is not None:
            reason = content.strerror or type(content).__name__
            tables.unusable_file(file, expected="a readable file", was=reason)
        elif layout.is_required:
            tables.unusable_file(file, expected="a file", was="missing")
    return tables


def _rows(file: str, content: bytes, tables: Tables) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        was = f"the byte 0x{content[e.start]:02x}"
        tables.unusable_file(file, expected="text in UTF-8", was=was, line=line)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped) and not header:
                header = stripped
                _check_header(file, header, line=line, tables=tables)
            elif any(stripped):
                yield _row(file, stripped, header=header, line=line, findings=tables.findings)
            line = reader.line_num + 1
    except csv.Error as e:
        tables.unusable_file(file, expected="comma-separated values", was=str(e), line=line)
    if not header:
        tables.unusable_file(file, expected="a line of column names", was="none")


def _check_header(file: str, header: list[str], *, line: int, tables: Tables) -> None:
    layout = LAYOUTS[file]
    for column in layout.required:
        if column not in header:
            tables.findings.append(Finding(file, line, column, "this column", "missing"))
    for column in layout.columns:
        if header.count(column) > 1:
            count = f"{header.count(column)} of them"
            tables.findings.append(Finding(file, line, column, "one column of this name", count))
    if layout.required[0] not in header:
        tables.unusable.add(file)
    unused = sorted(set(header) - set(layout.columns) - {""})
    tables.notes.extend(f"{file}: the column {column!r} is not used" for column in unused)


def _row(
    file: str, cells: list[str], *, header: list[str], line: int, findings: list[Finding]
) -> Row:
    if len(cells) != len(header):
        expected = f"{len(header)} cells, as in the header"
        findings.append(Finding(file, line, "", expected, str(len(cells))))
    columns = dict.fromkeys(LAYOUTS[file].optional, "")
    columns |= zip(header, cells, strict=False)
    return Row(file, line, columns, findings)
