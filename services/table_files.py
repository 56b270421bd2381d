"""Tables written to a file in the format of its suffix: JSON lines, CSV or Parquet."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import ConfigError

Columns = Mapping[str, Sequence[str | float | int | bool | None]]
"""Column name to values, all of one length; None = unknown."""
SUFFIXES = (".jsonl", ".csv", ".parquet")


def check_suffix(path: Path) -> None:
    """Raise `ConfigError` if no format belongs to the suffix of `path`."""
    if path.suffix not in SUFFIXES:
        message = f"{path}: expected a suffix of {', '.join(SUFFIXES)}, it was {path.suffix!r}"
        raise ConfigError(message)


def write_table(path: Path, columns: Columns) -> None:
    """Write `columns` in their order; unknown is empty in CSV and null elsewhere."""
    check_suffix(path)
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), path)
        return
    rows = zip(*columns.values(), strict=True)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(value) for value in row] for row in rows)
        return
    names = tuple(columns)
    encoder = msgspec.json.Encoder()
    with path.open("wb") as lines:
        for row in rows:
            lines.write(encoder.encode(dict(zip(names, row, strict=True))) + b"\n")


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
