"""How options are positioned, underlying by underlying and room by room, beside their own past.

Open interest is published once a session: between two sessions the put/call ratio does not move,
and what moves the rest is the price alone. So each entry says of which session its open interest
is. null = unknown: so is whatever has too short a history to be compared with.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

import numpy as np

from core.columns import Floats, Int64s
from core.live_positioning import PositioningRows
from core.positioning import (
    FIGURES,
    HISTORY_SESSIONS,
    MEASURES,
    joined_figures,
    measures,
    standing,
)
from core.sessions import NO_SESSION
from core.universe import Universe
from services.alert_figures import zone_of_subject
from services.rows import session_text, time_text
from streams.topics import partition_of

Entry = dict[str, object]

_CALLS, _PUTS = FIGURES.index("call_open_interest"), FIGURES.index("put_open_interest")

COMPARED = ("change", "z_score", "change_z_score")
"""What is said of each measure beside its level; see `core.positioning.Standing`."""


_NAMES = tuple(
    name
    for measure in MEASURES
    for name in (measure, *(f"{measure}_{compared}" for compared in COMPARED))
)


@dataclass(frozen=True, eq=False)
class _Subjects:
    """Symbols or rooms with open interest, one entry each.

    ``members`` with open interest and ``unknown`` ones, int64[n]; ``figures`` float64[n, 6] and
    ``history`` float64[n, s, 6] are joined, NaN where a member's are unknown; times are the
    earliest of the members, but for ``as_of_ns``; ``age`` is the greatest.
    """

    name: tuple[str, ...]
    members: Int64s
    unknown: Int64s
    label: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    interest_label: Int64s
    age: Floats
    coverage: Floats
    figures: Floats
    history: Floats


def positioning_entries(found: Sequence[PositioningRows | None], universe: Universe) -> list[Entry]:
    """Return one entry for each symbol, then each room, that has open interest.

    Parameters
    ----------
    found : Sequence    by partition, None where unknown: a room with a member there is unknown
    """
    whole = _joined([rows for rows in found if rows is not None], universe)
    if whole is None:
        return []
    lost = {number for number, rows in enumerate(found) if rows is None}
    is_lost = np.array([partition_of(symbol) in lost for symbol in universe.symbol])
    entries = _entries("symbol", _symbols(whole), universe)
    at = {symbol: row for row, symbol in enumerate(whole.symbol)}
    row = np.array([at.get(symbol, -1) for symbol in universe.symbol], np.int64)
    rooms = []
    for name, references in universe.rooms.items():
        members = np.unique(references)
        mine = row[members]
        if (mine >= 0).any():
            unknown = int(np.count_nonzero(is_lost[members]))
            rooms.append(_room(name, whole, mine[mine >= 0], unknown))
    return entries + [entry for room in rooms for entry in _entries("room", room, universe)]


def _joined(parts: Sequence[PositioningRows], universe: Universe) -> PositioningRows | None:
    """Return the rows of all partitions in the universe's order, None where there are none."""
    symbols = [symbol for part in parts for symbol in part.symbol]
    at = {symbol: place for place, symbol in enumerate(symbols)}
    order = [at[symbol] for symbol in universe.symbol if symbol in at]
    if not order:
        return None
    columns: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])[order]
        for field in fields(PositioningRows)
        if field.name != "symbol"
    }
    return PositioningRows(symbol=tuple(symbols[place] for place in order), **columns)


def _symbols(whole: PositioningRows) -> _Subjects:
    is_session = whole.history_label != NO_SESSION
    return _Subjects(
        name=whole.symbol,
        members=np.ones(len(whole.symbol), np.int64),
        unknown=np.zeros(len(whole.symbol), np.int64),
        label=whole.label,
        market_ns=whole.market_ns,
        as_of_ns=whole.as_of_ns,
        interest_label=whole.interest_label,
        age=whole.interest_age,
        coverage=whole.coverage,
        figures=whole.figures,
        history=np.where(is_session[:, :, np.newaxis], whole.history, np.nan),
    )


def _room(name: str, whole: PositioningRows, rows: Int64s, unknown: int) -> _Subjects:
    """Join some rows; a room with an unknown member has no figure, but its age."""
    label, past = _common(whole.history_label[rows], whole.history[rows])
    figures = _of_all(whole.figures[rows])
    history = np.where((label != NO_SESSION)[:, np.newaxis], _of_all(past), np.nan)
    coverage = _coverage(whole.figures[rows], whole.coverage[rows])
    return _Subjects(
        name=(name,),
        members=np.array([len(rows)]),
        unknown=np.array([unknown]),
        label=whole.label[rows].min(keepdims=True),
        market_ns=whole.market_ns[rows].min(keepdims=True),
        as_of_ns=whole.as_of_ns[rows].max(keepdims=True),
        interest_label=whole.interest_label[rows].min(keepdims=True),
        age=whole.interest_age[rows].max(keepdims=True),
        coverage=np.array([coverage]),
        figures=(np.full_like(figures, np.nan) if unknown else figures)[np.newaxis],
        history=history[np.newaxis],
    )


def _of_all(members: Floats) -> Floats:
    """Join figures, float64[m, ..., 6]; one alone is itself, and one unknown leaves all so."""
    if len(members) == 1:
        return np.asarray(members[0])
    lacks_one = np.isnan(members).all(axis=-1, keepdims=True).any(axis=0)
    return np.where(lacks_one, np.nan, joined_figures(members))


def _common(label: Int64s, history: Floats) -> tuple[Int64s, Floats]:
    """Return the sessions that all members had, and their figures in these, float64[m, s, 6].

    The last entry is the last session before now of any member: NaN where another had none, so
    that no change spans more than a session.
    """
    if (label == label[0]).all():
        return label[0], history
    shared = reduce(np.intersect1d, label)
    wanted = np.union1d(shared, label[:, -1].max())[-HISTORY_SESSIONS:]
    wanted = np.append(np.full(HISTORY_SESSIONS - len(wanted), NO_SESSION, np.int64), wanted)
    aligned = np.full_like(history, np.nan)
    for member, mine in enumerate(label):
        at = np.minimum(np.searchsorted(mine, wanted), HISTORY_SESSIONS - 1)
        has = (mine[at] == wanted) & (wanted != NO_SESSION)
        aligned[member, has] = history[member, at[has]]
    return wanted, aligned


def _coverage(figures: Floats, coverage: Floats) -> float:
    """Return the share of the members' open interest that could be priced, NaN = unknown."""
    held = figures[:, _CALLS] + figures[:, _PUTS]
    counts = ~np.isnan(coverage) & (held > 0.0)
    whole = held[counts].sum()
    return float(coverage[counts] @ held[counts] / whole) if whole > 0.0 else np.nan


def _entries(scope: str, subjects: _Subjects, universe: Universe) -> list[Entry]:
    value = measures(subjects.figures)
    compared = standing(value, measures(subjects.history).swapaxes(1, 2))
    kinds = [value, *(getattr(compared, name) for name in COMPARED)]
    # One row a subject: each measure, and what it is compared with.
    figures = np.stack(kinds, axis=-1).reshape(len(value), -1)
    zones = [zone_of_subject(scope, name, universe) for name in subjects.name]
    ages = _or_none(subjects.age)
    columns: dict[str, Sequence[object]] = {
        "symbol": subjects.name,
        "session": [session_text(label) for label in subjects.label.tolist()],
        "event_time": _times(subjects.market_ns, zones),
        "as_of": _times(subjects.as_of_ns, zones),
        "stale": [age != 0.0 for age in ages],
        "members": subjects.members.tolist(),
        "unknown": subjects.unknown.tolist(),
        "open_interest_session": [
            session_text(label) for label in subjects.interest_label.tolist()
        ],
        "open_interest_age_sessions": ages,
        "open_interest_coverage": _or_none(subjects.coverage),
    } | {name: _or_none(column) for name, column in zip(_NAMES, figures.T, strict=True)}
    return [
        {"scope": scope, **dict(zip(columns, row, strict=True))}
        for row in zip(*columns.values(), strict=True)
    ]


def _times(times_ns: Int64s, zones: Sequence[str]) -> list[str | None]:
    return [time_text(each, zone) for each, zone in zip(times_ns.tolist(), zones, strict=True)]


def _or_none(figures: Floats) -> list[float | None]:
    # Written ten times a second: more digits than these say nothing.
    return [
        float(f"{figure:.9g}") if math.isfinite(figure) else None for figure in figures.tolist()
    ]
