"""Which vendor's layout a chain file has, told from its first bytes."""

from pathlib import Path
from typing import Literal, get_args

from core.errors import ConfigError
from services.chain_cboe import CboeTable, read_cboe
from services.chain_lean import is_lean_universe, read_lean_universe
from services.chain_lean_levels import is_lean_levels, read_lean_levels
from services.chain_rows import ChainFile
from services.option_calendar import OptionCalendar
from services.text_lines import split_lines

Layout = Literal["cboe", "lean", "native"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

_HEAD_BYTES = 64 * 1024
_ZIP = b"PK"
_NATIVE_SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet")
_NATIVE_HEADERS = (b"underlying", b"open_interest")


def layout_of(path: Path) -> Layout:
    """Return the layout of a file.

    Raises
    ------
    ConfigError
        If it cannot be read, or nothing matches.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable file: {error.strerror}") from error
    if head.startswith(_ZIP) and is_lean_levels(path):
        return "lean"
    if path.suffix.lower() in _NATIVE_SUFFIXES:
        return "native"
    lines = split_lines(head)
    if is_lean_universe(lines):
        return "lean"
    if CboeTable.find(lines) is not None:
        return "cboe"
    first = lines.line(int(lines.written[0])) if len(lines.written) else b""
    if all(name in first for name in _NATIVE_HEADERS):
        return "native"
    raise ConfigError(
        f"{path}: expected the layout of Cboe's page (a table of 22 columns), of LEAN "
        "(a first line #expiry,strike,right,… or a zip of open interest) or our own (columns "
        f"underlying, expiry, strike, right, open_interest, …); it begins {first[:100]!r}. "
        "--layout says which it is"
    )


def read_vendor_chains(path: Path, layout: Layout, calendar: OptionCalendar) -> list[ChainFile]:
    """Return the chains of a file in a vendor's layout, one a session of levels, else one.

    Raises
    ------
    ConfigError
        If it is not of that layout.
    """
    try:
        if layout == "cboe":
            return [read_cboe(path, calendar)]
        if path.suffix.lower() == ".zip":
            return read_lean_levels(path, calendar)
        return [read_lean_universe(path, calendar)]
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable file: {error.strerror}") from error
