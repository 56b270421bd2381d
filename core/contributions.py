"""Who stands behind a figure: each fund's share of one reference, each member's of a group."""

from dataclasses import dataclass

import numpy as np

from core.columns import Floats, Int64s, View
from core.groups import open_and_known
from core.leveraged import leveraged_rebalance
from core.sessions import NO_SESSION
from core.standing import OLDEST_ASSETS_SESSIONS
from core.universe import Universe


@dataclass(frozen=True, eq=False)
class Contributions:
    """What adds up to one figure, the largest first.

    ``number`` int64[k] names each in the universe, a fund or a reference; ``usd`` float64[k] is
    what it must trade, buy > 0, never 0 or unknown.
    """

    number: Int64s
    usd: Floats

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.number)

    @property
    def gross_usd(self) -> float:
        """The sum of their sizes, >= 0: what their shares are of."""
        return float(np.abs(self.usd).sum())


def fund_contributions(view: View, reference: int) -> Contributions:
    """Return what each fund of a reference must trade; they sum to its leveraged rebalance.

    Creations are not among it.
    """
    funds = view.funds
    mine = np.flatnonzero(funds.reference == reference)
    change = np.full(len(mine), view.numeric["underlying_return"][reference])
    usd = leveraged_rebalance(funds.assets_usd[mine], funds.leverage_factor[mine], change)
    return _largest_first(funds.fund[mine].astype(np.int64), usd)


def member_contributions(view: View, members: Int64s) -> Contributions:
    """Return what each open and known member owes; they sum to its group's forced flow."""
    flow = view.numeric["forced_flow_usd"][members]
    is_open, is_known = open_and_known(view, members, flow)
    counts = is_open & is_known
    return _largest_first(members[counts], flow[counts])


def unknown_members(view: View, members: Int64s) -> Int64s:
    """Return the members that their group's sum leaves out, the heaviest first."""
    flow = view.numeric["forced_flow_usd"][members]
    left_out = members[~open_and_known(view, members, flow)[1]]
    weight = np.nan_to_num(view.weight_usd[left_out], nan=np.inf)
    chosen: Int64s = left_out[np.argsort(-weight, kind="stable")]
    return chosen


@dataclass(frozen=True)
class OldAssets:
    """Assets of one reference's funds that are too old: how many, and the oldest.

    ``fund`` is its number in the universe, ``label`` the session it was stated for, ``sessions``
    how many sessions ago that was.
    """

    count: int
    fund: int
    label: int
    sessions: int


def old_assets(view: View, universe: Universe, reference: int) -> OldAssets | None:
    """Return what is too old among the assets behind one reference, None where nothing is."""
    label = int(view.label[reference])
    mine = np.flatnonzero(view.funds.reference == reference)
    if label == NO_SESSION or not len(mine):
        return None
    stated = view.funds.stated_label[mine]
    sessions = universe.schedules[int(universe.schedule[reference])].label
    age = np.searchsorted(sessions, label) - np.searchsorted(sessions, stated)
    oldest = int(np.argmax(age))
    if age[oldest] <= OLDEST_ASSETS_SESSIONS:
        return None
    return OldAssets(
        count=int((age > OLDEST_ASSETS_SESSIONS).sum()),
        fund=int(view.funds.fund[mine[oldest]]),
        label=int(stated[oldest]),
        sessions=int(age[oldest]),
    )


def _largest_first(number: Int64s, usd: Floats) -> Contributions:
    counts = np.isfinite(usd) & (usd != 0.0)
    number, usd = number[counts], usd[counts]
    order = np.argsort(-np.abs(usd), kind="stable")
    return Contributions(number[order], usd[order])
