"""QuantConnect LEAN's open interest: a zip with one file a contract, named after it.

Strikes in the names are in units of 1/10 000. A line of a minute file has milliseconds since
midnight in New York, one of a daily file a date; then the level.
"""

import hashlib
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from core.errors import ConfigError, described
from services.chain_dates import HOME_ZONE, compact_date
from services.chain_lean import identity_of
from services.chain_rows import ChainFile, Head, option_chain, rejecter
from services.chain_values import mark_figures
from services.event_values import Numbers, Verdicts, numbers
from services.option_calendar import PUBLICATION, OptionCalendar
from services.option_roots import is_adjusted, terms_of
from services.option_symbols import OptionSymbol
from services.option_terms import listed_terms
from services.rejects import Reject
from services.venues import local_ns

LARGEST_ENTRY = 1024 * 1024
"""Bytes of one contract's file; a year of days takes some thousand."""
_ENTRY = re.compile(
    r"(?:(?P<day>\d{8})_)?(?P<root>[a-z.]{1,6})_(?:(?:minute|second|hour|daily)_)?openinterest_"
    r"(?:american|european)_(?P<right>call|put)_(?P<strike>\d+)_(?P<expiry>\d{8})\.csv",
    re.ASCII,
)
_STRIKE_UNITS = 10_000.0
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
"""What comes of a zip that is damaged, half written, encrypted or of another version."""
_DAY_MS = 86_400_000
_LOOKED_AT = 10


class _Level(NamedTuple):
    """One line: the number of its file in the zip, its contract, when it is of, and its level."""

    number: int
    symbol: OptionSymbol
    event_ns: int
    text: str


def is_lean_levels(path: Path) -> bool:
    """Say whether a file is a zip of open interest."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:_LOOKED_AT]
    except _UNREADABLE:
        return False
    return any(_ENTRY.fullmatch(name) for name in names)


def read_lean_levels(path: Path, calendar: OptionCalendar) -> list[ChainFile]:
    """Read the levels of a zip, one chain a session, without volatilities or quotes.

    Raises
    ------
    ConfigError
        If the file is no such zip or holds no level.
    """
    file = str(path)
    raws: dict[int, bytes] = {}
    levels: list[_Level] = []
    rejects: list[Reject] = []
    try:
        for number, name, content in _entries(path):
            raws[number] = name.encode() + b": " + content
            read = _levels(number, name, content)
            if isinstance(read, str):
                rejects.append(Reject.of(raws[number], reason=read, file=file, line=number))
            else:
                levels += read
    except _UNREADABLE as error:
        raise ConfigError(f"{file}: expected a zip of open interest: {described(error)}") from error
    if not levels:
        raise ConfigError(
            f"{file}: expected files of contracts such as "
            "20151223_goog_minute_openinterest_american_call_6000000_20151224.csv"
        )
    sessions: defaultdict[int, dict[OptionSymbol, _Level]] = defaultdict(dict)
    for level in sorted(levels, key=lambda level: level.event_ns):
        # The last of a session wins.
        sessions[calendar.open_interest_label(level.event_ns)][level.symbol] = level
    return [
        _chain_file(
            list(own.values()),
            label,
            rejects=[] if place else rejects,
            raws=raws,
            calendar=calendar,
            file=file,
        )
        for place, (label, own) in enumerate(sorted(sessions.items()))
    ]


def _entries(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """Return number from 1, name and content of each file; one that is too large is empty."""
    with zipfile.ZipFile(path) as archive:
        for number, info in enumerate(archive.infolist(), 1):
            is_usable = info.file_size <= LARGEST_ENTRY
            yield number, info.filename, archive.read(info) if is_usable else b""


def _levels(number: int, name: str, content: bytes) -> list[_Level] | str:
    """Return the levels of one contract, or the reason why there are none."""
    found = _ENTRY.fullmatch(name)
    expiry = compact_date(found["expiry"]) if found else None
    if found is None or expiry is None:
        return "bad_contract"
    strike = int(found["strike"]) / _STRIKE_UNITS
    symbol = OptionSymbol(found["root"].upper(), expiry, found["right"] == "call", strike)
    levels = []
    for line in content.decode(errors="replace").split("\n"):
        if not line.strip():
            continue
        stamp, _, text = line.strip().partition(",")
        event_ns = _event_ns(stamp, found["day"])
        if event_ns is None:
            return "bad_event_time"
        levels.append(_Level(number, symbol, event_ns, text))
    return levels or "malformed"


def _event_ns(stamp: str, day: str | None) -> int | None:
    """Return the instant of a stamp; that of a date alone is when levels are published."""
    label = compact_date((day or stamp)[:8])
    if label is None:
        return None
    if day is None:
        return local_ns(label, PUBLICATION, HOME_ZONE)
    if not stamp.isascii() or not stamp.isdigit() or int(stamp) >= _DAY_MS:
        return None
    minutes, _ = divmod(int(stamp) // 1000, 60)
    clock = time(minutes // 60, minutes % 60)
    # Levels are stamped at whole minutes; what is beyond is kept all the same.
    return local_ns(label, clock, HOME_ZONE) + (int(stamp) % 60_000) * 1_000_000


def _chain_file(
    levels: Sequence[_Level],
    label: int,
    *,
    rejects: list[Reject],
    raws: dict[int, bytes],
    calendar: OptionCalendar,
    file: str,
) -> ChainFile:
    identity = identity_of([level.symbol for level in levels])
    terms = listed_terms(identity, calendar)
    verdicts = Verdicts(len(levels))
    adjusted = np.array([is_adjusted(root) for root in identity.roots], np.bool_)
    verdicts.mark(adjusted[identity.root], "adjusted_contract")
    verdicts.mark((terms.settlement_ns < 0) | (identity.strike <= 0.0), "bad_contract")
    none = Numbers(np.full(len(levels), np.nan), np.zeros(len(levels), np.bool_))
    figures = mark_figures(
        open_interest=numbers(pa.array([level.text for level in levels], pa.large_string())),
        implied_volatility=none,
        bid=none,
        ask=none,
        gamma=none,
        verdicts=verdicts,
    )
    underlying = terms_of(identity.roots[0]).underlying
    head = Head(underlying, float("nan"), max(level.event_ns for level in levels), label)
    reject = rejecter(file, raws.__getitem__)
    bad = [reject(levels[i].number, reason) for i, reason in verdicts.bad()]
    good = verdicts.good
    return ChainFile(
        file=file,
        layout="lean",
        chain=option_chain(head, identity, figures, terms).at(good),
        origin=np.array([level.number for level in levels], np.int64)[good],
        reject=reject,
        rejects=[*rejects, *bad],
        rows=len(levels) + len(rejects),
        digest=hashlib.sha256(b"\n".join((str(label).encode(), *raws.values()))).hexdigest(),
        is_levels=True,
    )
