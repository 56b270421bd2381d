"""Tables written to a file in the format of its suffix: JSON lines, CSV or Parquet."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import ConfigError
from services.output_files import writing

Columns = Mapping[str, Sequence[str | float | int | bool | None]]
"""Column name to values, all of one length; None = unknown."""
SUFFIXES = (".jsonl", ".csv", ".parquet")
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def check_suffix(path: Path) -> None:
    """Raise `ConfigError` if no format belongs to the suffix of `path`."""
    if path.suffix not in SUFFIXES:
        message = f"{path}: expected a suffix of {', '.join(SUFFIXES)}, it was {path.suffix!r}"
        raise ConfigError(message)


def write_table(path: Path, columns: Columns) -> None:
    """Write `columns` in their order; unknown is empty in CSV and null elsewhere."""
    check_suffix(path)
    if path.suffix == ".parquet":
        table = pa.table({name: list(values) for name, values in columns.items()})
        with writing(path):
            pq.write_table(table, path)
        return
    with open_table(path, dict.fromkeys(columns, str)) as write:
        write(columns)


@contextmanager
def open_table(path: Path, types: Mapping[str, type]) -> Iterator[Callable[[Columns], None]]:
    """Open a table to be written in parts, each with all its columns; `FlowError` if it cannot be.

    Parameters
    ----------
    types : mapping    column name -> str, int, float or bool, in their order
    """
    check_suffix(path)
    if path.suffix == ".parquet":
        schema = pa.schema([(name, _ARROW[kind]) for name, kind in types.items()])
        with writing(path), pq.ParquetWriter(path, schema) as parquet:
            yield lambda columns: parquet.write_table(pa.table(dict(columns), schema))
    elif path.suffix == ".csv":
        with writing(path), path.open("w", encoding="utf-8", newline="") as text:
            yield _csv_rows(text, tuple(types))
    else:
        with writing(path), path.open("wb") as lines:
            yield _json_rows(lines)


def _csv_rows(stream: TextIO, names: Sequence[str]) -> Callable[[Columns], None]:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)

    def write(columns: Columns) -> None:
        rows = zip(*columns.values(), strict=True)
        writer.writerows([_cell(value) for value in row] for row in rows)

    return write


def _json_rows(stream: BinaryIO) -> Callable[[Columns], None]:
    encoder = msgspec.json.Encoder()

    def write(columns: Columns) -> None:
        rows = zip(*columns.values(), strict=True)
        stream.writelines(
            encoder.encode(dict(zip(columns, row, strict=True))) + b"\n" for row in rows
        )

    return write


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
