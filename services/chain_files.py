"""Chain files of any layout read into chains, one or more a file."""

from collections.abc import Sequence
from pathlib import Path

from services.chain_layouts import Layout, layout_of, read_vendor_chains
from services.chain_native import read_native_chains
from services.chain_rows import ChainFile
from services.event_files import ReadOptions
from services.option_calendar import OptionCalendar
from services.rejects import Reject


def read_chains(
    paths: Sequence[Path],
    *,
    calendar: OptionCalendar,
    layout: Layout | None = None,
    as_of_ns: int | None = None,
) -> tuple[list[ChainFile], list[Reject]]:
    """Read chain files, each in its layout, all in `layout` if it is given.

    Returns
    -------
    the chains, those of vendors' files first, and the bad rows of files that have none. Our own
    files are streams of events: of them only what was stated by ``as_of_ns`` is read.

    Raises
    ------
    ConfigError
        If a file cannot be read, or is of no layout that is known.
    """
    layouts = [layout or layout_of(path) for path in paths]
    vendors = [
        chain
        for path, found in zip(paths, layouts, strict=True)
        if found != "native"
        for chain in read_vendor_chains(path, found, calendar)
    ]
    own = [path for path, found in zip(paths, layouts, strict=True) if found == "native"]
    if not own:
        return vendors, []
    chains, rejects = read_native_chains(own, ReadOptions(), calendar=calendar, as_of_ns=as_of_ns)
    return [*vendors, *chains], rejects
