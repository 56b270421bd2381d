"""The figures an alert's text quotes: those of its subject, as the newest view has them."""

from dataclasses import dataclass

import numpy as np

from core.alerts import AlertKey
from core.columns import View
from core.groups import SubjectRows, sum_groups
from core.subjects import Subjects, subjects, symbol_rows
from core.thresholds import Rule
from core.universe import Universe


@dataclass(frozen=True)
class Figures:
    """What is known of one subject; names and units as in the projection, NaN = unknown.

    A group has no band and no probability of its own: its members' are not independent.
    ``zone`` is the IANA time zone in which its times are told.
    """

    forced_flow_usd: float
    auction_ratio: float
    seconds_to_cutoff: float
    forced_flow_lower_usd: float
    forced_flow_upper_usd: float
    breach_threshold_usd: float
    breach_probability: float
    market_ns: int
    as_of_ns: int
    zone: str


class FigureReader:
    """Looks figures up in one view; group sums are made once a rule."""

    def __init__(self, view: View, universe: Universe) -> None:
        self._view = view
        self._universe = universe
        self._sums: dict[str, tuple[SubjectRows, SubjectRows]] = {}

    def of(self, key: AlertKey, rule: Rule) -> Figures | None:
        """Return the figures of an alert's subject, None while they must not be judged."""
        if rule.scope != "symbol":
            return self._group(key, rule)
        row = symbol_rows(self._universe).get(key.symbol)
        if row is None or self._view.is_unknown[row]:
            return None
        numeric = self._view.numeric
        return Figures(
            forced_flow_usd=float(numeric["forced_flow_usd"][row]),
            auction_ratio=float(numeric["auction_ratio"][row]),
            seconds_to_cutoff=float(numeric["seconds_to_cutoff"][row]),
            forced_flow_lower_usd=float(numeric["forced_flow_lower_usd"][row]),
            forced_flow_upper_usd=float(numeric["forced_flow_upper_usd"][row]),
            breach_threshold_usd=float(numeric["breach_threshold_usd"][row]),
            breach_probability=float(numeric["breach_probability"][row]),
            market_ns=int(self._view.market_ns[row]),
            as_of_ns=int(self._view.as_of_ns[row]),
            zone=zone_of_subject(key.scope, key.symbol, self._universe),
        )

    def _group(self, key: AlertKey, rule: Rule) -> Figures | None:
        whom = subjects(rule, self._universe)
        at = whom.row.get(key.symbol)
        if at is None:
            return None
        flow, auction = self._group_sums(rule, whom)
        if not flow.is_known[at]:
            return None
        members = whom.member[whom.owner == at]
        unknown = float("nan")
        return Figures(
            forced_flow_usd=float(flow.value[at]),
            auction_ratio=float(auction.value[at]),
            seconds_to_cutoff=self._first_cutoff(members),
            forced_flow_lower_usd=unknown,
            forced_flow_upper_usd=unknown,
            breach_threshold_usd=unknown,
            breach_probability=unknown,
            market_ns=int(flow.market_ns[at]),
            as_of_ns=int(flow.as_of_ns[at]),
            zone=zone_of_subject(key.scope, key.symbol, self._universe),
        )

    def _group_sums(self, rule: Rule, whom: Subjects) -> tuple[SubjectRows, SubjectRows]:
        if rule.name not in self._sums:
            self._sums[rule.name] = (
                sum_groups("forced_flow_usd", self._view, self._universe, subjects=whom),
                sum_groups("auction_ratio", self._view, self._universe, subjects=whom),
            )
        return self._sums[rule.name]

    def _first_cutoff(self, members: np.typing.NDArray[np.int64]) -> float:
        view = self._view
        is_open = view.open_ns[members] <= view.market_ns[members]
        is_open &= view.market_ns[members] < view.close_ns[members]
        seconds = view.numeric["seconds_to_cutoff"][members[is_open & ~view.is_unknown[members]]]
        return float(seconds.min()) if seconds.size else float("nan")


def zone_of_subject(scope: str, name: str, universe: Universe) -> str:
    """Return the time zone of a symbol or venue; UTC for what may span several, or is gone."""
    if scope == "venue" and name in universe.venue:
        row = universe.venue.index(name)
    elif scope == "symbol" and name in symbol_rows(universe):
        row = symbol_rows(universe)[name]
    else:
        return "UTC"
    return universe.schedules[int(universe.schedule[row])].zone
