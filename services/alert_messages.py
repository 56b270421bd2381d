"""What Alertmanager is told: labels that never change, and texts a person can act on.

A text says what stands and what is known; it never says why: that a fund must trade is
arithmetic, what moves a price is not for us to say.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from core.alerts import AlertKey, AlertState, Phase, Reason
from core.thresholds import Level, Rule
from services.alert_figures import Breakdown, Figures
from services.alert_words import (
    bound,
    clock,
    cut,
    flow,
    flow_range,
    is_flow,
    measured,
    money,
    name_of_measure,
    percent,
    short,
    side_of,
    time_left,
    without_time_left,
)
from services.rows import time_text

Annotations = dict[str, str]

_UNKNOWN = "State unknown: "
_MEMBERS_IN_SUMMARY = 3
_NOTHING = 1e-6
"""Of the terms' sizes: what remains of them is rounding."""


class PostableAlert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert of a POST to /api/v2/alerts; times are RFC 3339 in UTC."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str


@dataclass(frozen=True)
class Telling:
    """What one alert's texts are made from.

    ``rule`` and ``level`` are None once the rules no longer have them; ``figures`` is None while
    the subject is unknown; ``unseen`` says in words why it cannot be judged, else it is "".
    ``zone`` is the IANA time zone in which times are told.
    """

    key: AlertKey
    state: AlertState
    rule: Rule | None
    level: Level | None
    figures: Figures | None
    zone: str
    unseen: str = ""

    @property
    def measure(self) -> str:
        """What is judged."""
        return self.rule.measure if self.rule is not None else ""


def host_time_text(time_ns: int) -> str:
    """Return a host time as RFC 3339 in UTC, to the millisecond: "2026-06-23T19:18:03.250Z"."""
    text = time_text(time_ns // 1_000_000 * 1_000_000, "UTC")
    whole, _, fraction = (text or "").removesuffix("+00:00").partition(".")
    return f"{whole}.{fraction:0<3}Z"


def bare_annotations(key: AlertKey) -> Annotations:
    """Return what can be said of an alert of which only the labels are known."""
    return {"summary": cut(f"{key.side.upper()} {_subject(key)}")}


def annotations(telling: Telling, last: Annotations) -> Annotations:
    """Return the texts of an alert that fires, with `last` ones where nothing newer is known."""
    figures = telling.figures
    if figures is None or telling.unseen or telling.state.phase is Phase.UNKNOWN:
        return _unknown(telling, last)
    return {
        "summary": _summary(telling, figures),
        "description": "\n".join(_description(telling, figures)),
        "data_as_of": time_text(figures.as_of_ns, figures.zone) or "never",
    }


def resolved_annotations(
    telling: Telling, last: Annotations, reason: Reason, *, at_ns: int
) -> Annotations:
    """Return the texts of an alert that has resolved, in market time `at_ns`."""
    at, close = clock(at_ns, telling.zone), clock(telling.state.close_ns, telling.zone)
    short_why, why = {
        Reason.CLEARED: (_back_below(telling), "the measure came back below its clear bound"),
        Reason.SESSION_CLOSED: (f"session closed {close}", "its session closed"),
        Reason.WITHDRAWN: ("withdrawn", "the rules or the universe no longer have it"),
    }[reason]
    return {
        # That it is resolved every receiver says by itself.
        "summary": cut(f"{_head(telling.key)}: {short_why}"),
        "description": f"Resolved at {at} market time: {why}.\n{_last_value(telling)}",
        "data_as_of": last.get("data_as_of") or _as_of(telling),
    }


def _unknown(telling: Telling, last: Annotations) -> Annotations:
    why = telling.unseen or f"no fresh data of {_subject(telling.key)}"
    close = clock(telling.state.close_ns, telling.zone)
    told = (
        f"{_UNKNOWN}{why}.\n{_last_value(telling)}\n"
        f"The alert stays until data return or its session closes at {close}."
    )
    summary = (bare_annotations(telling.key) | last)["summary"].removeprefix(_UNKNOWN)
    return {
        # What was left of the time when it was last known is not left now.
        "summary": cut(_UNKNOWN + without_time_left(summary)),
        "description": told,
        "data_as_of": last.get("data_as_of") or _as_of(telling),
    }


def _as_of(telling: Telling) -> str:
    return time_text(telling.state.as_of_ns, telling.zone) or "never"


def _summary(telling: Telling, figures: Figures) -> str:
    key = telling.key
    usd, of = figures.forced_flow_usd, ""
    if telling.measure.endswith("_usd") and telling.measure != "forced_flow_usd":
        usd, of = telling.state.value, f" of {name_of_measure(telling.measure)}"
    side = side_of(usd) or key.side.upper()
    head = f"{side} {_subject(key)} {money(usd)}{of}"
    if is_flow(telling.measure) and side != key.side.upper():
        head = f"{_head(key)}, now {flow(usd)}{of}"
    share = "" if of else _share_of_auction(figures)
    left = f"{share}{time_left(figures.seconds_to_cutoff, figures.seconds_to_close)}"
    members = _members_named(figures.breakdown) if key.scope != "symbol" else ""
    whole = f"{head}{members}: {left}"
    return whole if len(whole) == len(cut(whole)) else cut(f"{head}: {left}")


def _share_of_auction(figures: Figures) -> str:
    if math.isnan(figures.auction_ratio):
        return ""
    return f"{percent(figures.auction_ratio)} of the closing auction, "


def _members_named(breakdown: Breakdown) -> str:
    named = [short(name) for name, _ in breakdown.largest[:_MEMBERS_IN_SUMMARY]]
    more = len(breakdown.largest) - len(named) + breakdown.others
    if not named:
        return ""
    return f" ({', '.join(named)}{f' +{more}' if more else ''})"


def _description(telling: Telling, figures: Figures) -> Iterator[str]:
    now = clock(figures.market_ns, figures.zone)
    close = clock(telling.state.close_ns, figures.zone)
    yield f"{flow(figures.forced_flow_usd)} forced at the close ({close}), as known at {now}."
    if not math.isnan(figures.forced_flow_lower_usd):
        band = flow_range(figures.forced_flow_lower_usd, figures.forced_flow_upper_usd)
        yield f"At the close {band} (90 % band).{_odds(figures)}"
    if not math.isnan(figures.leveraged_usd):
        yield (
            f"Leveraged funds {flow(figures.leveraged_usd)}, creations {_creations(figures)}"
            f"{_dealers(figures)}."
        )
    if figures.breakdown.largest:
        yield _contributors(figures.breakdown)
    yield from _bounds(telling, figures)
    stale = "; ".join(figures.stale)
    newest = clock(figures.as_of_ns, figures.zone)
    yield f"Stale: {stale}." if stale else "No input is stale."
    covered = f"; assets stated for this session cover {percent(figures.coverage)} of the exposure"
    yield f"Newest input {newest}{'' if math.isnan(figures.coverage) else covered}."


def _odds(figures: Figures) -> str:
    if math.isnan(figures.breach_probability):
        return ""
    return (
        f" Probability {figures.breach_probability * 100:.0f} % of at least"
        f" {money(figures.breach_threshold_usd)}."
    )


def _creations(figures: Figures) -> str:
    return flow(figures.creation_usd) if not math.isnan(figures.creation_usd) else "unknown"


def _dealers(figures: Figures) -> str:
    """Return what is forced beyond the two: the share of the dealers' hedge that counts."""
    known = 0.0 if math.isnan(figures.creation_usd) else figures.creation_usd
    rest = figures.forced_flow_usd - figures.leveraged_usd - known
    sizes = abs(figures.forced_flow_usd) + abs(figures.leveraged_usd) + abs(known)
    return f", dealers {flow(rest)}" if abs(rest) > _NOTHING * sizes else ""


def _contributors(breakdown: Breakdown) -> str:
    told = [_part(short(name), usd, breakdown) for name, usd in breakdown.largest]
    if breakdown.others:
        told.append(_part(f"{breakdown.others} others", breakdown.others_usd, breakdown))
    return f"{breakdown.what}: {', '.join(told)}."


def _part(name: str, usd: float, breakdown: Breakdown) -> str:
    return f"{name} {flow(usd)} ({abs(usd) / breakdown.gross_usd * 100:.0f} %)"


def _bounds(telling: Telling, figures: Figures) -> Iterator[str]:
    rule, level, state = telling.rule, telling.level, telling.state
    if rule is None or level is None:
        return
    now = measured(rule.measure, state.value)
    yield f"Rule {rule.name}: {now}, {level.name} from {bound(rule.measure, level.raise_at)}."
    is_held = figures.market_ns < state.hold_until_ns
    held = f", not before {clock(state.hold_until_ns, figures.zone)}" if is_held else ""
    clear = f"{bound(rule.measure, level.clear_at)}{_in_usd(rule.measure, level, figures)}"
    yield f"Resolves below {clear}{held}; at the latest at the close."


def _in_usd(measure: str, level: Level, figures: Figures) -> str:
    whole = {"adv_ratio": figures.adv_usd, "auction_ratio": figures.auction_usd}.get(measure)
    if whole is None or math.isnan(whole):
        return ""
    return f" ({money(level.clear_at * whole)})"


def _back_below(telling: Telling) -> str:
    if telling.level is None:
        return "cleared"
    return f"back below {bound(telling.measure, telling.level.clear_at)}"


def _last_value(telling: Telling) -> str:
    state, zone = telling.state, telling.zone
    value, peak = (measured(telling.measure, at) for at in (state.value, state.peak))
    return f"Last known {value} at {clock(state.as_of_ns, zone)}, at its peak {peak}."


def _head(key: AlertKey) -> str:
    return f"{key.side.upper()} {_subject(key)}"


def _subject(key: AlertKey) -> str:
    name = short(key.symbol)
    return name if key.scope in {"symbol", "market"} else f"{key.scope} {name}"
