"""Parquet files: typed columns as they stand."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import ConfigError
from services.event_fields import ColumnPairs, Field, headers_of
from services.raw_table import RawTable


def read_parquet(path: Path, *, fields: Sequence[Field], columns: ColumnPairs) -> RawTable:
    """Read the columns of `fields` with their own types; ``line`` is the row's number from 1.

    Raises
    ------
    ConfigError
        If the file is no Parquet file, or lacks a required column.
    """
    try:
        with pq.ParquetFile(path) as stored:
            found = stored.schema_arrow.names
            headers = headers_of(found, fields=fields, columns=columns, file=str(path))
            table = stored.read(columns=list(headers.values()))
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: expected a Parquet file, it was unreadable: {error}") from error
    return RawTable(
        {name: _plain(table.column(header)) for name, header in headers.items()},
        np.arange(1, table.num_rows + 1, dtype=np.int32),
        lambda row: _row_text(table, row),
    )


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return one array, dictionaries decoded."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.combine_chunks()


def _row_text(table: pa.Table, row: int) -> bytes:
    values = table.slice(row, 1).to_pylist()[0]
    return msgspec.json.encode(values, enc_hook=str)
