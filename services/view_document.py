"""The view as it lies in Redis: one JSON document that says all a page needs to show.

Times of rows, totals and alerts are market time at the venue's offset (UTC where a group spans
several); ``written_at``, ``starts_at`` and ``ends_at`` are host time. null = unknown.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from core.alerts import AlertKey
from core.columns import View
from core.groups import SubjectRows, group_sides, sum_groups
from core.subjects import subjects
from core.thresholds import Rule
from core.universe import Universe
from services.alert_dispatch import send_status
from services.alert_figures import zone_of_subject
from services.alert_ledger import Episode, Ledger
from services.alert_messages import Annotations, host_time_text
from services.alertmanager import Fleet
from services.rows import row_dicts, rows_of, session_text, time_text

TOTAL_SCOPES = ("market", "venue", "room")
TOTAL_MEASURES = (
    "leveraged_rebalance_usd",
    "creation_redemption_usd",
    "forced_flow_usd",
    "adv_ratio",
    "auction_ratio",
)

Entry = dict[str, object]


@dataclass(frozen=True, eq=False)
class Beside:
    """What is shown beside the figures.

    ``texts`` are the newest annotations of what fires, by alert; ``rules`` is the short hash of
    the rules in force; ``positioning`` are the entries of `services.positioning_table`, encoded
    when they were read.
    """

    texts: Mapping[AlertKey, Annotations]
    rules: str
    positioning: msgspec.Raw


def view_document(
    view: View,
    universe: Universe,
    ledger: Ledger,
    *,
    fleet: Fleet,
    beside: Beside,
    unknown_partitions: Sequence[int],
    written_ns: int,
) -> bytes:
    """Return the document."""
    return msgspec.json.encode(
        {
            "universe": universe.version,
            "rules": beside.rules,
            "written_at": host_time_text(written_ns),
            "unknown_partitions": list(unknown_partitions),
            "rows": row_dicts(rows_of(view), universe),
            "totals": totals(view, universe),
            "positioning": beside.positioning,
            "alerts": [
                _alert(episode, universe, fleet, beside.texts) for episode in ledger.episodes
            ],
            "alertmanagers": _alertmanagers(fleet),
        }
    )


def totals(view: View, universe: Universe) -> list[Entry]:
    """Return what each group owes: the market, every venue, every room; open members only.

    A total is `complete` if every member is known; ``unknown`` counts those that are not.
    """
    return [entry for scope in TOTAL_SCOPES for entry in _totals_of(scope, view, universe)]


def _totals_of(scope: str, view: View, universe: Universe) -> list[Entry]:
    whom = subjects(Rule("totals", "forced_flow_usd", scope, ()), universe)
    if not whom.name:
        return []
    sums = {
        measure: sum_groups(measure, view, universe, subjects=whom) for measure in TOTAL_MEASURES
    }
    flow, sides = sums["forced_flow_usd"], group_sides(view, subjects=whom)
    return [
        {
            "scope": scope,
            "symbol": name,
            # Look-through would count a constituent twice.
            "basis": "reference",
            "complete": not sides.unknown[at],
            "unknown": int(sides.unknown[at]),
            "event_time": time_text(
                int(flow.market_ns[at]), zone_of_subject(scope, name, universe)
            ),
            "session": session_text(int(flow.label[at])),
            "as_of": time_text(int(flow.as_of_ns[at]), zone_of_subject(scope, name, universe)),
            **{measure: _known(rows, at) for measure, rows in sums.items()},
            "buy_usd": float(sides.buy_usd[at]) if flow.is_known[at] else None,
            "sell_usd": float(sides.sell_usd[at]) if flow.is_known[at] else None,
        }
        for at, name in enumerate(whom.name)
    ]


def _known(rows: SubjectRows, at: int) -> float | None:
    value = float(rows.value[at])
    return value if rows.is_known[at] and math.isfinite(value) else None


def _alert(
    episode: Episode, universe: Universe, fleet: Fleet, texts: Mapping[AlertKey, Annotations]
) -> Entry:
    key, state = episode.key, episode.state
    zone = zone_of_subject(key.scope, key.symbol, universe)
    ends_ns, resolved_ns = episode.ends_ns, episode.resolved_ns
    told = texts.get(key, episode.annotations) if ends_ns is None else episode.annotations
    return {
        **key._asdict(),
        "state": str(state.phase) if ends_ns is None else "resolved",
        "reason": str(episode.reason),
        "fires_at": time_text(state.fires_ns, zone),
        "resolves_at": None if resolved_ns is None else time_text(resolved_ns, zone),
        "starts_at": host_time_text(episode.starts_ns),
        "ends_at": None if ends_ns is None else host_time_text(ends_ns),
        "value": state.value,
        "peak": state.peak,
        "send_status": send_status(episode, fleet),
        "summary": told.get("summary", ""),
        "description": told.get("description", ""),
    }


def _alertmanagers(fleet: Fleet) -> list[Entry]:
    return [
        {
            "url": peer.url,
            "outcome": peer.outcome,
            "last_success_at": (
                None if peer.last_success_ns is None else host_time_text(peer.last_success_ns)
            ),
        }
        for peer in fleet.peers
    ]
