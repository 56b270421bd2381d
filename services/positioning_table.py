"""How options are positioned, underlying by underlying and room by room, beside their own past.

Open interest is published once a session: between two sessions the put/call ratio does not move,
and what moves the rest is the price alone. So each entry says of which session its open interest
is. null = unknown: so is whatever has too short a history to be compared with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True, eq=False)
class _Group:
    """One subject: a symbol, or a room with those of its members that have open interest.

    ``figures`` float64[6] and ``history`` float64[s, 6] are joined, NaN where a member's are
    unknown; times are the earliest of the members, but for ``as_of_ns``; ``age`` is the greatest.
    """

    scope: str
    name: str
    members: int
    unknown: int
    label: int
    market_ns: int
    as_of_ns: int
    interest_label: int
    age: float
    coverage: float
    figures: Floats
    history: Floats


def positioning_entries(found: Sequence[PositioningRows | None], universe: Universe) -> list[Entry]:
    """Return one entry for each symbol, then each room, that has open interest.

    Parameters
    ----------
    found : Sequence    by partition, None where unknown: a room with a member there is unknown
    """
    lost = {number for number, rows in enumerate(found) if rows is None}
    known = [rows for rows in found if rows is not None]
    at = {symbol: (rows, row) for rows in known for row, symbol in enumerate(rows.symbol)}
    groups = [
        group
        for symbol in universe.symbol
        if (group := _joined("symbol", symbol, (symbol,), at, lost)) is not None
    ]
    for room, references in universe.rooms.items():
        symbols = tuple(universe.symbol[i] for i in np.unique(references).tolist())
        group = _joined("room", room, symbols, at, lost)
        if group is not None:
            groups.append(group)
    if not groups:
        return []
    value = measures(np.array([group.figures for group in groups]))
    history = measures(np.array([group.history for group in groups])).swapaxes(1, 2)
    compared = standing(value, history)
    columns = [value, *(getattr(compared, name) for name in COMPARED)]
    return [
        _entry(group, universe, figures)
        for group, figures in zip(groups, np.stack(columns, axis=-1), strict=True)
    ]


def _joined(
    scope: str,
    name: str,
    symbols: Sequence[str],
    at: Mapping[str, tuple[PositioningRows, int]],
    lost: set[int],
) -> _Group | None:
    members = [at[symbol] for symbol in symbols if symbol in at]
    if not members:
        return None
    unknown = sum(partition_of(symbol) in lost for symbol in symbols)

    def column(field: str) -> npt.NDArray[Any]:
        return np.array([getattr(rows, field)[row] for rows, row in members])

    label, figures = _common(column("history_label"), column("history"))
    now = _of_all(column("figures"))
    return _Group(
        scope=scope,
        name=name,
        members=len(members),
        unknown=unknown,
        label=int(column("label").min()),
        market_ns=int(column("market_ns").min()),
        as_of_ns=int(column("as_of_ns").max()),
        interest_label=int(column("interest_label").min()),
        age=float(column("interest_age").max()),
        coverage=_coverage(column("figures"), column("coverage")),
        figures=np.full_like(now, np.nan) if unknown else now,
        history=np.where((label != NO_SESSION)[:, np.newaxis], _of_all(figures), np.nan),
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


def _entry(group: _Group, universe: Universe, figures: Floats) -> Entry:
    """Return an entry; ``figures`` float64[4, 4] are the measures, then ``COMPARED`` of them."""
    zone = zone_of_subject(group.scope, group.name, universe)
    names = (
        name
        for measure in MEASURES
        for name in (measure, *(f"{measure}_{compared}" for compared in COMPARED))
    )
    return {
        "scope": group.scope,
        "symbol": group.name,
        "session": session_text(group.label),
        "event_time": time_text(group.market_ns, zone),
        "as_of": time_text(group.as_of_ns, zone),
        "stale": group.age != 0.0,
        "members": group.members,
        "unknown": group.unknown,
        "open_interest_session": session_text(group.interest_label),
        "open_interest_age_sessions": _or_none(group.age),
        "open_interest_coverage": _or_none(group.coverage),
        **{name: _or_none(figure) for name, figure in zip(names, figures.ravel(), strict=True)},
    }


def _or_none(figure: float) -> float | None:
    return float(figure) if np.isfinite(figure) else None
