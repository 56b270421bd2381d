"""What the alerts of a replay were worth: their lead, their flips, and what the close said."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.alerts import SIDE_SIGN
from core.sessions import NANOS_PER_SECOND, NO_SESSION
from core.subjects import subjects
from core.thresholds import LIQUIDITY_OF, SEVERITIES, Rule
from core.universe import Universe
from services.offline_alerts import Episode
from services.report_samples import LastRows
from services.rows import session_text, time_text

_MINUTE_NS = 60 * NANOS_PER_SECOND


@dataclass(frozen=True)
class AlertOutcome:
    """One alert: when it fired and what the close said of it.

    ``session`` is that of its subject, for a group the latest that a member had open;
    ``lead_minutes`` is to the cut-off, for a group to the first of its open members', None where
    none was open; ``confirmed``: whether the measure at the close was on its side and at or above
    its level's ``raise``, a group's from its members' last rows, None where that cannot be said.
    """

    alertname: str
    severity: str
    family: str
    side: str
    scope: str
    symbol: str
    session: str | None
    fires_at: str | None
    resolves_at: str | None
    reason: str
    lead_minutes: float | None
    confirmed: bool | None


@dataclass(frozen=True)
class AlertQuality:
    """The alerts of one rule and level.

    ``lead_median_minutes`` and ``lead_worst_minutes`` are to the cut-off, below 0 after it;
    ``flips`` counts those that fired again for the same subject and side in the same session;
    ``confirmed`` is a share of the ``judged``, those of which the close could say something.
    """

    rule: str
    level: str
    alerts: int
    a_session: float
    lead_median_minutes: float | None
    lead_worst_minutes: float | None
    flips: int
    judged: int
    confirmed: float | None


class _Stand(NamedTuple):
    """Where a subject stood when its alert fired: session, lead, and its value at the close."""

    label: int
    lead_minutes: float | None
    at_close: float | None


def outcomes(
    episodes: Sequence[Episode],
    rules: Sequence[Rule],
    *,
    universe: Universe,
    last_rows: LastRows,
) -> tuple[AlertOutcome, ...]:
    """Return what became of each episode of these rules, in their order."""
    named = {rule.name: rule for rule in rules}
    return tuple(_outcome(each, named, universe=universe, last_rows=last_rows) for each in episodes)


def qualities(
    alerts: Sequence[AlertOutcome], rules: Sequence[Rule], *, sessions: int
) -> tuple[AlertQuality, ...]:
    """Return the quality of every level of every rule, also of those that never fired."""
    return tuple(
        _quality(
            rule.name,
            level.name,
            [one for one in alerts if (one.family, one.severity) == (rule.name, level.name)],
            sessions=sessions,
        )
        for rule in rules
        for level in sorted(rule.levels, key=lambda level: SEVERITIES.index(level.name))
    )


def _quality(
    rule: str, level: str, alerts: Sequence[AlertOutcome], *, sessions: int
) -> AlertQuality:
    leads = [one.lead_minutes for one in alerts if one.lead_minutes is not None]
    judged = [one.confirmed for one in alerts if one.confirmed is not None]
    fired = Counter((one.session, one.side, one.symbol) for one in alerts)
    return AlertQuality(
        rule=rule,
        level=level,
        alerts=len(alerts),
        a_session=len(alerts) / max(sessions, 1),
        lead_median_minutes=statistics.median(leads) if leads else None,
        lead_worst_minutes=min(leads) if leads else None,
        flips=sum(times - 1 for times in fired.values()),
        judged=len(judged),
        confirmed=sum(judged) / len(judged) if judged else None,
    )


def _outcome(
    episode: Episode, rules: Mapping[str, Rule], *, universe: Universe, last_rows: LastRows
) -> AlertOutcome:
    key, rule = episode.key, rules[episode.key.family]
    level = next(level for level in rule.levels if level.name == key.severity)
    stand = _stand(episode, rule, universe=universe, last_rows=last_rows)
    zone = "UTC"
    if key.scope == "symbol":
        row = universe.symbol.index(key.symbol)
        zone = universe.schedules[int(universe.schedule[row])].zone
    return AlertOutcome(
        alertname=key.alertname,
        severity=key.severity,
        family=key.family,
        side=key.side,
        scope=key.scope,
        symbol=key.symbol,
        session=session_text(stand.label),
        fires_at=time_text(episode.fires_ns, zone),
        resolves_at=time_text(episode.resolves_ns, zone),
        reason=episode.reason,
        lead_minutes=stand.lead_minutes,
        confirmed=(
            None
            if stand.at_close is None
            else SIDE_SIGN[key.side] * stand.at_close >= level.raise_at
        ),
    )


def _stand(episode: Episode, rule: Rule, *, universe: Universe, last_rows: LastRows) -> _Stand:
    whom = subjects(rule, universe)
    members = whom.member[whom.owner == whom.row.get(episode.key.symbol, -1)].tolist()
    labels, cutoffs, last = [NO_SESSION], [], []
    for row in members:
        table = universe.schedules[int(universe.schedule[row])]
        at = table.position_at(episode.fires_ns)
        if at < 0 or table.close_ns[at] < episode.fires_ns:
            continue
        labels.append(int(table.label[at]))
        cutoffs.append(int(table.cutoff_ns[at]))
        columns = last_rows.get((row, int(table.label[at])))
        if columns is not None:
            last.append(columns)
    lead = (min(cutoffs) - episode.fires_ns) / _MINUTE_NS if cutoffs else None
    return _Stand(max(labels), lead, _at_close(rule, last))


def _at_close(rule: Rule, last: Sequence[Mapping[str, float]]) -> float | None:
    """Return the measure that the last rows of open members come to, None where none is known."""
    if rule.scope == "symbol":
        value = last[0][rule.measure] if last else math.nan
        return None if math.isnan(value) else value
    if rule.measure not in LIQUIDITY_OF:
        known = [row[rule.measure] for row in last if not math.isnan(row[rule.measure])]
        return sum(known) if known else None
    pairs = [(row["forced_flow_usd"], row[LIQUIDITY_OF[rule.measure]]) for row in last]
    # Who owes nothing counts by what is traded of it, as while the session ran.
    counted = [pair for pair in pairs if not any(map(math.isnan, pair))]
    whole = sum(liquidity for _, liquidity in counted)
    return sum(flow for flow, _ in counted) / whole if whole > 0.0 else None


def quality_lines(found: Sequence[AlertQuality]) -> list[str]:
    """Return the table of a terminal: a head, then one line a rule and level."""
    rows = [
        ("rule", "level", "alerts", "a day", "lead median", "worst", "flips", "confirmed"),
        *(
            (
                each.rule,
                each.level,
                str(each.alerts),
                f"{each.a_session:.2f}",
                minutes_text(each.lead_median_minutes),
                minutes_text(each.lead_worst_minutes),
                str(each.flips),
                share_text(each),
            )
            for each in found
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    texts = 2
    return [
        cell.ljust(width) if number < texts else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def minutes_text(minutes: float | None) -> str:
    """Return a lead in whole minutes, rounded down; a dash where there is none."""
    return "–" if minutes is None else f"{math.floor(minutes)} min"


def share_text(quality: AlertQuality) -> str:
    """Return the confirmed share with what it is of; a dash where nothing could be said."""
    if quality.confirmed is None:
        return "–"
    return f"{100.0 * quality.confirmed:.0f} % of {quality.judged}"
