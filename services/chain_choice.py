"""Which of the files of an underlying to believe, and what they say together at a time.

A file is refused whole where it is not what it claims: named after another underlying, the same
table as another under a fresh head, or far shorter than the one before or after it. Of the others
the newest up to the time wanted is used; files of one time are parts of one chain; and levels of
open interest of its session take the place of the chain's own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

import numpy as np

from services.chain_rows import ChainFile
from services.option_calendar import OptionCalendar
from services.option_roots import terms_of
from services.rejects import Reject
from services.venues import local_ns

TRUNCATED_SHARE = 0.5
"""With less than this share of its neighbour's contracts a chain is truncated; the expiries of a
day are a tenth of a chain."""
_CLAIMS = (
    re.compile(r"[\^_$.]?(?P<name>[A-Za-z.]{1,6})[ _-]quote_?data.*", re.IGNORECASE),
    re.compile(r"[\^_$]?(?P<name>[A-Z.]{3,6})([ _-]\d.*)?"),
)
"""How the name of a file names an underlying."""
_NO_NAMES = frozenset(
    [
        "CHAIN",
        "CHAINS",
        "COPY",
        "DATA",
        "EXPORT",
        "FILE",
        "NEW",
        "OLD",
        "OPTION",
        "QUOTE",
        "QUOTES",
        "TEST",
    ]
)


@dataclass(frozen=True)
class FileVerdict:
    """What became of a file: ``used``, ``superseded`` by a newer one, or why it was refused."""

    file: str
    as_of_ns: int
    contracts: int
    verdict: str


@dataclass(frozen=True, eq=False)
class Choice:
    """What is known of an underlying.

    Attributes
    ----------
    underlying : str
    parts : list[ChainFile]     one chain, in as many files; none: every file was refused
    levels : list[ChainFile]    open interest that takes the place of theirs
    rejects : list[Reject]      all contracts of the files that were refused
    verdicts : list[FileVerdict]    one a file, in the order of their times
    is_later : bool             all files were stated after the time that was wanted
    """

    underlying: str
    parts: list[ChainFile]
    levels: list[ChainFile]
    rejects: list[Reject]
    verdicts: list[FileVerdict]
    is_later: bool


def choose(
    files: Sequence[ChainFile], *, as_of_ns: int | None, calendar: OptionCalendar
) -> list[Choice]:
    """Return what to use for each underlying, in the order of their first files.

    ``as_of_ns`` is the time wanted, None for the newest there is. A file that states a date alone
    counts from its first instant; where all are later, the first is used, and said to be later.
    """
    names = dict.fromkeys(file.chain.underlying for file in files)
    return [
        _choice([f for f in files if f.chain.underlying == name], as_of_ns, calendar)
        for name in names
    ]


def refuse_unsound(files: Iterable[ChainFile]) -> list[tuple[ChainFile, str]]:
    """Return the files of one underlying by time, and why each is refused ("" = it is not)."""
    ordered = sorted(files, key=lambda file: file.chain.as_of_ns)
    reasons = ["wrong_symbol" if _is_misnamed(file) else "" for file in ordered]
    seen: dict[str, int] = {}
    for place, file in enumerate(ordered):
        if reasons[place]:
            continue
        stated_ns = seen.setdefault(file.digest, file.chain.as_of_ns)
        if stated_ns != file.chain.as_of_ns:
            reasons[place] = "stale_body"
        elif any(f.digest == file.digest for f in ordered[:place]):
            reasons[place] = "duplicate"
    _refuse_truncated(ordered, reasons)
    return list(zip(ordered, reasons, strict=True))


def judged_beside(
    before: Sequence[ChainFile], files: Sequence[ChainFile]
) -> list[tuple[ChainFile, str]]:
    """Return new files, and why each is refused ("" = it is not) beside those that came before.

    A table that is there already under the same time is a ``duplicate``.
    """
    found = []
    for name in dict.fromkeys(file.chain.underlying for file in files):
        known = [file for file in before if file.chain.underlying == name]
        new = [file for file in files if file.chain.underlying == name]
        judged = refuse_unsound([*known, *new])
        found += [(file, reason) for file, reason in judged if any(file is each for each in new)]
    return found


def _choice(files: Sequence[ChainFile], as_of_ns: int | None, calendar: OptionCalendar) -> Choice:
    judged = refuse_unsound(files)
    sound = [file for file, reason in judged if not reason]
    full = [file for file in sound if not file.is_levels] or sound
    known = [f for f in full if as_of_ns is None or _first_ns(f, calendar) <= as_of_ns]
    newest = known[-1:] or full[:1]
    parts = [f for f in full if newest and f.chain.as_of_ns == newest[0].chain.as_of_ns]
    sessions = {int(label) for part in parts for label in part.chain.effective_label[:1]}
    levels = [
        file
        for file in sound
        if file.is_levels and file not in parts and int(file.chain.effective_label[0]) in sessions
    ]
    used = [*parts, *levels]
    rejects: list[Reject] = []
    for file, reason in judged:
        if reason:
            rejects += file.refused(np.ones(len(file.chain), np.bool_), reason).rejects
        elif file not in used:
            rejects += file.rejects
    verdicts = [
        FileVerdict(
            file.file,
            file.chain.as_of_ns,
            file.rows,
            reason or ("used" if file in used else "superseded"),
        )
        for file, reason in judged
    ]
    return Choice(
        files[0].chain.underlying,
        parts,
        levels,
        rejects,
        verdicts,
        is_later=bool(parts) and not known,
    )


def _first_ns(file: ChainFile, calendar: OptionCalendar) -> int:
    """Return from when on a file may be meant."""
    if file.has_time:
        return file.chain.as_of_ns
    return local_ns(int(file.chain.effective_label[0]), time(0, 0), ZoneInfo(calendar.zone))


def _refuse_truncated(ordered: Sequence[ChainFile], reasons: list[str]) -> None:
    """Give the reason to chains far shorter than their neighbours of other times."""
    sound = [p for p, f in enumerate(ordered) if not reasons[p] and not f.is_levels]
    for place in sound:
        own = ordered[place]
        before = [p for p in sound if ordered[p].chain.as_of_ns < own.chain.as_of_ns]
        after = [p for p in sound if ordered[p].chain.as_of_ns > own.chain.as_of_ns]
        beside = [p for p in before if not reasons[p]][-1:] + after[:1]
        if any(own.rows < TRUNCATED_SHARE * ordered[p].rows for p in beside):
            reasons[place] = "truncated"


def _is_misnamed(file: ChainFile) -> bool:
    """Say whether a file's name names another underlying than its contracts do."""
    chain = file.chain
    if file.layout != "cboe":
        return False
    stem = re.split(r"[\\/]", file.file)[-1].rpartition(".")[0]
    for claim in _CLAIMS:
        found = claim.fullmatch(stem)
        if found:
            name = found["name"].upper().replace(".", "")
            meant = {name, terms_of(name).underlying}
            return name not in _NO_NAMES and not meant & {chain.underlying, *chain.roots}
    return False
