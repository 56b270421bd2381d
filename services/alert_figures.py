"""The figures an alert's text quotes: those of its subject, as the newest view has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.alerts import AlertKey
from core.columns import Int64s, View
from core.contributions import (
    Contributions,
    fund_contributions,
    member_contributions,
    old_assets,
    unknown_members,
)
from core.groups import SubjectRows, open_members, sum_groups
from core.sessions import NO_TIME
from core.subjects import Subjects, subjects, symbol_rows
from core.thresholds import Rule
from core.universe import Universe
from services.alert_words import clock, short
from services.rows import session_text

MOST_FUNDS = 3
MOST_MEMBERS = 5
"""How many contributors a text names; the others are summed."""


@dataclass(frozen=True)
class Breakdown:
    """What a figure is made of: the largest by name, the others in sum.

    ``what`` says what they are; ``largest`` are names and USD, buy > 0; shares are of
    ``gross_usd``, the sum of all sizes.
    """

    what: str
    largest: tuple[tuple[str, float], ...] = ()
    others: int = 0
    others_usd: float = 0.0
    gross_usd: float = 0.0


@dataclass(frozen=True)
class Figures:
    """What is known of one subject; names and units as in the projection, NaN = unknown.

    A group has no band and no probability of its own: its members' are not independent.
    ``zone`` is the IANA time zone in which its times are told; ``stale`` says in words which
    inputs are too old or left out.
    """

    forced_flow_usd: float
    auction_ratio: float
    seconds_to_cutoff: float
    seconds_to_close: float
    forced_flow_lower_usd: float
    forced_flow_upper_usd: float
    breach_threshold_usd: float
    breach_probability: float
    leveraged_usd: float
    creation_usd: float
    adv_usd: float
    auction_usd: float
    coverage: float
    market_ns: int
    as_of_ns: int
    zone: str
    breakdown: Breakdown = Breakdown("Funds")
    stale: tuple[str, ...] = ()


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
        numeric = {name: float(column[row]) for name, column in self._view.numeric.items()}
        return Figures(
            forced_flow_usd=numeric["forced_flow_usd"],
            auction_ratio=numeric["auction_ratio"],
            seconds_to_cutoff=numeric["seconds_to_cutoff"],
            seconds_to_close=numeric["seconds_to_close"],
            forced_flow_lower_usd=numeric["forced_flow_lower_usd"],
            forced_flow_upper_usd=numeric["forced_flow_upper_usd"],
            breach_threshold_usd=numeric["breach_threshold_usd"],
            breach_probability=numeric["breach_probability"],
            leveraged_usd=numeric["leveraged_rebalance_usd"],
            creation_usd=numeric["creation_redemption_usd"],
            adv_usd=float(self._view.adv_usd[row]),
            auction_usd=float(self._view.auction_usd[row]),
            coverage=numeric["coverage"],
            market_ns=int(self._view.market_ns[row]),
            as_of_ns=int(self._view.as_of_ns[row]),
            zone=zone_of_subject(key.scope, key.symbol, self._universe),
            breakdown=self._funds(row),
            stale=tuple(self._stale(row)),
        )

    def unseen(self, key: AlertKey, rule: Rule) -> str:
        """Return in words why an alert's subject must not be judged."""
        name = short(key.symbol)
        if rule.scope != "symbol":
            members = self._members(key, rule)
            left_out = unknown_members(self._view, members)
            if not len(left_out):
                return f"no open member of {name} has a figure"
            listed = self._names(left_out)
            return f"{len(left_out)} of the {len(members)} members of {name} unknown: {listed}"
        row = symbol_rows(self._universe).get(key.symbol)
        if row is None or self._view.market_ns[row] == NO_TIME:
            return f"no worker reports {name}"
        zone = zone_of_subject(key.scope, key.symbol, self._universe)
        if self._view.is_unknown[row]:
            stands = clock(int(self._view.market_ns[row]), zone)
            return f"the price feed of {name} is silent, its market time stands at {stands}"
        return f"{rule.measure} of {name} has no value"

    def _group(self, key: AlertKey, rule: Rule) -> Figures | None:
        whom = subjects(rule, self._universe)
        at = whom.row.get(key.symbol)
        if at is None:
            return None
        flow, auction = self._group_sums(rule, whom)
        if not flow.is_known[at]:
            return None
        members = self._members(key, rule)
        unknown = float("nan")
        return Figures(
            forced_flow_usd=float(flow.value[at]),
            auction_ratio=float(auction.value[at]),
            seconds_to_cutoff=self._first("seconds_to_cutoff", members),
            seconds_to_close=self._first("seconds_to_close", members),
            forced_flow_lower_usd=unknown,
            forced_flow_upper_usd=unknown,
            breach_threshold_usd=unknown,
            breach_probability=unknown,
            leveraged_usd=unknown,
            creation_usd=unknown,
            adv_usd=unknown,
            auction_usd=unknown,
            coverage=unknown,
            market_ns=int(flow.market_ns[at]),
            as_of_ns=int(flow.as_of_ns[at]),
            zone=zone_of_subject(key.scope, key.symbol, self._universe),
            breakdown=self._breakdown(
                "Members", member_contributions(self._view, members), self._universe.symbol
            ),
            stale=tuple(self._left_out(members)),
        )

    def _group_sums(self, rule: Rule, whom: Subjects) -> tuple[SubjectRows, SubjectRows]:
        if rule.name not in self._sums:
            self._sums[rule.name] = (
                sum_groups("forced_flow_usd", self._view, self._universe, subjects=whom),
                sum_groups("auction_ratio", self._view, self._universe, subjects=whom),
            )
        return self._sums[rule.name]

    def _members(self, key: AlertKey, rule: Rule) -> Int64s:
        whom = subjects(rule, self._universe)
        members: Int64s = whom.member[whom.owner == whom.row.get(key.symbol, -1)]
        return members

    def _funds(self, row: int) -> Breakdown:
        return self._breakdown("Funds", fund_contributions(self._view, row), self._universe.fund)

    def _breakdown(self, what: str, parts: Contributions, names: Sequence[str]) -> Breakdown:
        most = MOST_FUNDS if what == "Funds" else MOST_MEMBERS
        # One more is named rather than called "1 other".
        most += len(parts) == most + 1
        named = zip(parts.number[:most].tolist(), parts.usd[:most].tolist(), strict=True)
        return Breakdown(
            what=what,
            largest=tuple((names[number], usd) for number, usd in named),
            others=max(len(parts) - most, 0),
            others_usd=float(parts.usd[most:].sum()),
            gross_usd=parts.gross_usd,
        )

    def _stale(self, row: int) -> list[str]:
        told = []
        old = old_assets(self._view, self._universe, row)
        if old is not None:
            also = f", {old.count - 1} more funds' are old" if old.count > 1 else ""
            told.append(
                f"assets of {short(self._universe.fund[old.fund])} stated for "
                f"{session_text(old.label) or 'no session'}, {old.sessions} sessions ago{also}"
            )
        if self._view.is_interest_stale[row]:
            told.append("open interest is of an earlier session")
        return told

    def _left_out(self, members: Int64s) -> list[str]:
        told = []
        left_out = unknown_members(self._view, members)
        if len(left_out):
            told.append(f"left out as unknown: {self._names(left_out)}")
        stale = members[self._view.is_stale[members] & ~self._view.is_unknown[members]]
        if len(stale):
            told.append(f"assets or open interest too old of {self._names(stale)}")
        return told

    def _names(self, rows: Int64s) -> str:
        named = [short(self._universe.symbol[row]) for row in rows[:MOST_MEMBERS].tolist()]
        more = f" and {len(rows) - MOST_MEMBERS} more" if len(rows) > MOST_MEMBERS else ""
        return ", ".join(named) + more

    def _first(self, column: str, members: Int64s) -> float:
        counts = open_members(self._view, members) & ~self._view.is_unknown[members]
        seconds = self._view.numeric[column][members[counts]]
        return float(np.min(seconds)) if seconds.size else float("nan")


def zone_of_subject(scope: str, name: str, universe: Universe) -> str:
    """Return the time zone of a symbol or venue; UTC for what may span several, or is gone."""
    if scope == "venue" and name in universe.venue:
        row = universe.venue.index(name)
    elif scope == "symbol" and name in symbol_rows(universe):
        row = symbol_rows(universe)[name]
    else:
        return "UTC"
    return universe.schedules[int(universe.schedule[row])].zone
