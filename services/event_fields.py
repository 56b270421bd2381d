"""Which fields an event has, and under which headers a vendor's file has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.errors import ConfigError

Kind = Literal["text", "time", "number", "integer", "date"]


@dataclass(frozen=True)
class Field:
    """A field of an event: its public name, what it holds, and whether a file must have it."""

    name: str
    kind: Kind
    is_required: bool = False


PRICE_FIELDS = (
    # Not required: the file's stem, or --symbol, stands for a missing symbol column.
    Field("symbol", "text"),
    Field("event_time", "time", is_required=True),
    Field("price", "number", is_required=True),
    Field("volume", "number"),
    Field("source", "text"),
    Field("sequence", "integer"),
    Field("kind", "text"),
)
FLOW_FIELDS = (
    Field("fund", "text", is_required=True),
    Field("event_time", "time", is_required=True),
    Field("net_creation_usd", "number", is_required=True),
    Field("session", "date"),
    Field("source", "text"),
    Field("sequence", "integer"),
)
OPEN_INTEREST_FIELDS = (
    Field("underlying", "text", is_required=True),
    Field("expiry", "date", is_required=True),
    Field("strike", "number", is_required=True),
    Field("right", "text", is_required=True),
    Field("open_interest", "number", is_required=True),
    Field("implied_volatility", "number", is_required=True),
    Field("event_time", "time", is_required=True),
    Field("root", "text"),
    Field("settlement_time", "time"),
    Field("multiplier", "number"),
    Field("deliverable", "number"),
    Field("settlement", "text"),
    Field("style", "text"),
    Field("forward", "number"),
    Field("effective_at", "date"),
    Field("source", "text"),
    Field("dealer_sign", "number"),
)
QUOTE_FIELDS = (
    # What a profile uses where a file has it; it is not sent on.
    Field("spot", "number"),
    Field("bid", "number"),
    Field("ask", "number"),
    Field("gamma", "number"),
)

ColumnPairs = tuple[tuple[str, str], ...]
"""(our name, the file's header), as many as there are vendors; see `headers_of`."""


def column_pairs(options: Sequence[str]) -> ColumnPairs:
    """Read ``NAME=HEADER`` options; whether a NAME exists is the reader's to judge.

    Raises
    ------
    ConfigError
        If an option has no ``=``, or an empty side.
    """
    pairs = []
    for option in options:
        name, _, header = option.partition("=")
        if not name or not header:
            raise ConfigError(f"--column: expected NAME=HEADER, it was {option!r}")
        pairs.append((name, header))
    return tuple(pairs)


def headers_of(
    found: Sequence[str], *, fields: Sequence[Field], columns: ColumnPairs, file: str
) -> dict[str, str]:
    """Return field name -> header for the fields that a file has.

    A pair of `columns` counts where the file has its header; else the field's own name does.

    Raises
    ------
    ConfigError
        If a required field has no header, or a field's header is there twice.
    """
    chosen = {}
    for field in fields:
        named = [header for name, header in columns if name == field.name and header in found]
        wanted = list(dict.fromkeys(named)) or [field.name]
        if len(wanted) > 1 or found.count(wanted[0]) > 1:
            raise ConfigError(f"{file}: more than one column for {field.name}: {', '.join(found)}")
        if wanted[0] in found:
            chosen[field.name] = wanted[0]
        elif field.is_required:
            raise ConfigError(
                f"{file}: expected a column {field.name}, its columns are "
                f"{', '.join(map(repr, found)) or 'none (the file is empty)'}; "
                f"--column {field.name}=HEADER names another"
            )
    return chosen
