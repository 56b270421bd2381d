"""What a group owes: the sum over those of its members whose own session is open."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.columns import Bools, Floats, Int64s, View
from core.drifts import drifts_ns
from core.sessions import NEVER_NS, NO_SESSION, NO_TIME
from core.subjects import Subjects
from core.thresholds import LIQUIDITY_OF
from core.universe import Universe

UNKNOWN_SHARE = 0.05
"""A group is unknown when unknown members hold more than this share of its weight."""


@dataclass(frozen=True, eq=False)
class SubjectRows:
    """One row a subject; for a group, with these meanings.

    ``value`` float64[m] is the sum, 0 while no member is open; ``label`` int64[m] the earliest
    session that a member still has open, else the latest of any member; ``open_ns`` and
    ``close_ns`` the first open and the last close of that session among the members.
    ``market_ns`` is the smallest of the open members' market times, and reaches ``close_ns`` only
    when every member has closed that session. ``as_of_ns`` is the newest input or close behind
    the sum, ``changes_ns`` the next close of a member, or step of its dealers, when the sum changes
    by itself.
    """

    value: Floats
    is_known: Bools
    label: Int64s
    open_ns: Int64s
    close_ns: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    changes_ns: Int64s


@dataclass(frozen=True, eq=False)
class _Members:
    """One entry a member, group by group; ``counts``: not left out of its group as unknown.

    ``changes_ns`` is when what it owes changes next by itself, at its close at the latest.
    """

    label: Int64s
    close_ns: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    changes_ns: Int64s
    is_open: Bools
    is_known: Bools
    counts: Bools


def open_members(view: View, members: Int64s) -> Bools:
    """Return bool[k], whose session is open at its own market time."""
    market_ns = view.market_ns[members]
    return (view.open_ns[members] <= market_ns) & (market_ns < view.close_ns[members])


def open_and_known(view: View, members: Int64s, figure: Floats) -> tuple[Bools, Bools]:
    """Return bool[k], bool[k]: who is open, and who may be judged and has a figure if it is open.

    ``figure`` float64[k] beside the members.
    """
    is_open = open_members(view, members)
    return is_open, ~view.is_unknown[members] & (np.isfinite(figure) | ~is_open)


def sum_groups(measure: str, view: View, universe: Universe, *, subjects: Subjects) -> SubjectRows:
    """Sum a measure of ``GROUP_MEASURES`` over each group's open members.

    A group is unknown while a member's partial is missing, or while unknown members (rows that
    must not be judged, and open ones without a figure) hold more than ``UNKNOWN_SHARE`` of the
    Σ|L(L-1)|·A of its members that are open or unknown; otherwise they are left out, of the sum
    and of the group's time. For a ratio it is also unknown when its open members have no
    liquidity.
    """
    at = subjects.member
    flow, liquidity = (each[at] for each in _terms(measure, view))
    is_open, is_known = open_and_known(view, at, np.where(np.isfinite(liquidity), flow, np.nan))
    is_lost = _lost_groups(view.weight_usd[at], is_known, is_open, first=subjects.first)
    members = _Members(
        label=view.label[at],
        close_ns=view.close_ns[at],
        market_ns=view.market_ns[at],
        as_of_ns=view.as_of_ns[at],
        changes_ns=np.minimum(drifts_ns(measure, view, at), view.close_ns[at]),
        is_open=is_open,
        is_known=is_known,
        counts=is_known | is_lost[subjects.owner],
    )
    value = _total(measure, flow, liquidity, members=members, first=subjects.first)
    return _timed(value, ~is_lost & np.isfinite(value), members, subjects, universe)


@dataclass(frozen=True, eq=False)
class GroupSides:
    """What stands behind a group's net forced flow, one entry a group.

    ``buy_usd`` >= 0 and ``sell_usd`` <= 0 float64[m] are summed over the open members that are
    known; ``unknown`` int64[m] counts the members that are not.
    """

    buy_usd: Floats
    sell_usd: Floats
    unknown: Int64s


def group_sides(view: View, *, subjects: Subjects) -> GroupSides:
    """Split each group's forced flow into its sides, of the members that `sum_groups` sums."""
    at, first = subjects.member, subjects.first
    flow = view.numeric["forced_flow_usd"][at]
    is_open, is_known = open_and_known(view, at, flow)
    summed = np.where(is_open & is_known, flow, 0.0)
    return GroupSides(
        buy_usd=np.add.reduceat(np.maximum(summed, 0.0), first),
        sell_usd=np.add.reduceat(np.minimum(summed, 0.0), first),
        unknown=np.add.reduceat((~is_known).astype(np.int64), first),
    )


def _terms(measure: str, view: View) -> tuple[Floats, Floats]:
    """Return what is summed and what it is divided by (ones where it is not divided)."""
    if measure not in LIQUIDITY_OF:
        return view.numeric[measure], np.ones(len(view.reference))
    return view.numeric["forced_flow_usd"], getattr(view, LIQUIDITY_OF[measure])


def _lost_groups(weight_usd: Floats, is_known: Bools, is_open: Bools, *, first: Int64s) -> Bools:
    is_missing = np.isnan(weight_usd)
    weight_usd = np.where(is_missing, 0.0, weight_usd)
    is_lost = _any(is_missing, first)
    # Also of the open members alone: the rest of the world must not vouch for one that trades.
    for some in (np.ones_like(is_open), is_open):
        unknown_usd = np.add.reduceat(np.where(some & ~is_known, weight_usd, 0.0), first)
        whole_usd = np.add.reduceat(np.where(some, weight_usd, 0.0), first)
        is_lost |= unknown_usd > UNKNOWN_SHARE * whole_usd
    has_unknown, has_known = _any(is_open & ~is_known, first), _any(is_open & is_known, first)
    return is_lost | (has_unknown & ~has_known)


def _total(
    measure: str, flow: Floats, liquidity: Floats, *, members: _Members, first: Int64s
) -> Floats:
    is_summed = members.is_open & members.is_known
    total = np.add.reduceat(np.where(is_summed, flow, 0.0), first)
    if measure not in LIQUIDITY_OF:
        return total
    whole = np.add.reduceat(np.where(is_summed, liquidity, 0.0), first)
    has_liquidity = whole > 0.0
    ratio = np.divide(total, whole, out=np.full_like(total, np.nan), where=has_liquidity)
    return np.where(_any(is_summed, first), ratio, 0.0)


def _timed(
    value: Floats, is_known: Bools, members: _Members, subjects: Subjects, universe: Universe
) -> SubjectRows:
    first, counts = subjects.first, members.counts
    is_live = members.is_open & counts
    newest = np.maximum.reduceat(np.where(counts, members.label, NO_SESSION), first)
    oldest = np.minimum.reduceat(np.where(is_live, members.label, NEVER_NS), first)
    label = np.where(_any(is_live, first), oldest, newest)
    sessions = _sessions(subjects, universe, tuple(label.tolist()))
    is_to_come = counts & sessions.is_held & (members.label < label[subjects.owner])
    latest_ns = np.maximum.reduceat(np.where(counts, members.market_ns, NO_TIME), first)
    inputs_ns = np.where(members.is_open & members.is_known, members.as_of_ns, NO_TIME)
    closes_ns = np.where(members.close_ns <= members.market_ns, members.close_ns, NO_TIME)
    return SubjectRows(
        value=value,
        is_known=is_known,
        label=label,
        open_ns=sessions.open_ns,
        close_ns=sessions.close_ns,
        market_ns=np.select(
            [_any(is_live, first), _any(is_to_come, first)],
            [
                np.minimum.reduceat(np.where(is_live, members.market_ns, NEVER_NS), first),
                np.minimum(latest_ns, sessions.close_ns - 1),
            ],
            latest_ns,
        ),
        as_of_ns=np.maximum.reduceat(np.maximum(inputs_ns, closes_ns), first),
        changes_ns=np.minimum.reduceat(np.where(is_live, members.changes_ns, NEVER_NS), first),
    )


def _any(flags: Bools, first: Int64s) -> Bools:
    return np.logical_or.reduceat(flags, first)


@dataclass(frozen=True, eq=False)
class _GroupSessions:
    open_ns: Int64s
    close_ns: Int64s
    is_held: Bools


@lru_cache(maxsize=64)
def _sessions(subjects: Subjects, universe: Universe, labels: tuple[int, ...]) -> _GroupSessions:
    """Return each group's first open and last close of a session, and which members hold it."""
    wanted = np.array(labels, np.int64)[subjects.owner]
    schedule = universe.schedule[subjects.member]
    open_ns = np.full(len(wanted), NEVER_NS, np.int64)
    close_ns = np.full(len(wanted), NO_TIME, np.int64)
    for index in np.unique(schedule):
        table = universe.schedules[index]
        at = np.flatnonzero((schedule == index) & np.isin(wanted, table.label))
        position = np.searchsorted(table.label, wanted[at])
        open_ns[at], close_ns[at] = table.open_ns[position], table.close_ns[position]
    return _GroupSessions(
        open_ns=np.minimum.reduceat(open_ns, subjects.first),
        close_ns=np.maximum.reduceat(close_ns, subjects.first),
        is_held=close_ns != NO_TIME,
    )
