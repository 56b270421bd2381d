"""A vendor's file as Arrow columns, before any of its values is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from core.columns import Int32s
from services.rejects import Reject


@dataclass(frozen=True, eq=False)
class RawTable:
    """Rows that could be told apart, in file order, and those that could not.

    Attributes
    ----------
    columns : Mapping[str, pa.Array[n]]
        field name -> values: texts, or typed where the format has types; null = no value; fields
        that the file does not have are absent
    line : int32[n]                  where each row begins, 1 = the first line (Parquet: row)
    raw : Callable[[int], bytes]     the bytes of row i, for a reject
    rejects : list[Reject]           rows that could not be read at all
    """

    columns: Mapping[str, pa.Array]
    line: Int32s
    raw: Callable[[int], bytes]
    rejects: list[Reject] = field(default_factory=list)
