"""What Alertmanager is told: labels that never change, and texts a person can act on."""

import math
from dataclasses import dataclass

import msgspec

from core.alerts import AlertKey, AlertState, Phase, Reason
from core.thresholds import Level, Rule
from services.alert_figures import Figures
from services.rows import time_text

Annotations = dict[str, str]

_UNKNOWN = "State unknown: "
_BILLION, _MILLION, _THOUSAND = 1e9, 1e6, 1e3
_MINUTE_SECONDS = 60.0


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
    the subject is unknown; ``blind`` says in words why nothing is known at all, else it is "".
    """

    key: AlertKey
    state: AlertState
    rule: Rule | None
    level: Level | None
    figures: Figures | None
    blind: str = ""


def host_time_text(time_ns: int) -> str:
    """Return a host time as RFC 3339 in UTC, to the millisecond: "2026-06-23T19:18:03.250Z"."""
    text = time_text(time_ns // 1_000_000 * 1_000_000, "UTC")
    whole, _, fraction = (text or "").removesuffix("+00:00").partition(".")
    return f"{whole}.{fraction:0<3}Z"


def bare_annotations(key: AlertKey) -> Annotations:
    """Return what can be said of an alert of which only the labels are known."""
    return {"summary": f"{key.side.upper()} {_subject(key)}"}


def annotations(telling: Telling, last: Annotations) -> Annotations:
    """Return the texts of an alert that fires, with `last` ones where nothing newer is known."""
    if telling.figures is None or telling.blind or telling.state.phase is Phase.UNKNOWN:
        return _unknown(telling, last)
    figures = telling.figures
    return {
        "summary": _summary(telling.key, figures),
        "description": " ".join(
            [*_flow_sentences(figures), *_rule_sentences(telling, figures.zone)]
        ),
        "data_as_of": time_text(figures.as_of_ns, figures.zone) or "never",
    }


def resolved_annotations(
    last: Annotations, reason: Reason, *, at_ns: int, zone: str
) -> Annotations:
    """Return the texts of an alert that has resolved, in market time `at_ns`."""
    why = {
        Reason.CLEARED: "the measure came back below its clear bound",
        Reason.SESSION_CLOSED: "its session closed",
        Reason.WITHDRAWN: "the rules or the universe no longer have it",
    }[reason]
    return {
        **last,
        "summary": last.get("summary", "").removeprefix(_UNKNOWN),
        "description": f"Resolved at {time_text(at_ns, zone)} market time: {why}.",
    }


def _unknown(telling: Telling, last: Annotations) -> Annotations:
    key = telling.key
    why = telling.blind or f"no fresh data of {_subject(key)}"
    told = (
        f"{_UNKNOWN}{why}. The alert stays until data return or its session closes."
        f" Last known measure {telling.state.value:.4g}."
    )
    summary = (bare_annotations(key) | last)["summary"]
    return {
        "summary": _UNKNOWN + summary.removeprefix(_UNKNOWN),
        "description": told,
        "data_as_of": last.get("data_as_of") or time_text(telling.state.as_of_ns, "UTC") or "never",
    }


def _summary(key: AlertKey, figures: Figures) -> str:
    parts = [f"{key.side.upper()} {_subject(key)}: forced flow {_usd(figures.forced_flow_usd)}"]
    if not math.isnan(figures.auction_ratio):
        parts.append(f"{abs(figures.auction_ratio) * 100:.3g} % of the auction")
    parts.append(_to_cutoff(figures.seconds_to_cutoff))
    return ", ".join(parts)


def _flow_sentences(figures: Figures) -> list[str]:
    now = time_text(figures.market_ns, figures.zone)
    told = [f"Forced flow {_usd(figures.forced_flow_usd)} at {now} market time."]
    if not math.isnan(figures.forced_flow_lower_usd):
        band = f"{_usd(figures.forced_flow_lower_usd)} to {_usd(figures.forced_flow_upper_usd)}"
        told.append(f"At the close {band} (5 to 95 %).")
    if not math.isnan(figures.breach_probability):
        told.append(
            f"Probability {figures.breach_probability * 100:.0f} % of at least"
            f" {_usd(figures.breach_threshold_usd, signed=False)} at the close."
        )
    return told


def _rule_sentences(telling: Telling, zone: str) -> list[str]:
    rule, level, state = telling.rule, telling.level, telling.state
    if rule is None or level is None:
        return []
    value, raised, clear = (
        _measure(rule.measure, figure) for figure in (state.value, level.raise_at, level.clear_at)
    )
    held = f", not before {time_text(state.hold_until_ns, zone)}" if _holds(telling) else ""
    close = time_text(state.close_ns, zone)
    return [
        f"Rule {rule.name}: {rule.measure} is {value}, {level.name} from {raised}.",
        f"Resolves when its size is below {clear}{held}; at the latest at the close, {close}.",
    ]


def _holds(telling: Telling) -> bool:
    figures = telling.figures
    return figures is not None and figures.market_ns < telling.state.hold_until_ns


def _subject(key: AlertKey) -> str:
    return key.symbol if key.scope in {"symbol", "market"} else f"{key.scope} {key.symbol}"


def _to_cutoff(seconds: float) -> str:
    if math.isnan(seconds):
        return "time to the cut-off unknown"
    if seconds <= 0.0:
        return "past the cut-off"
    if seconds < _MINUTE_SECONDS:
        return f"{seconds:.0f} s to the cut-off"
    return f"{seconds / _MINUTE_SECONDS:.0f} min to the cut-off"


def _measure(measure: str, value: float) -> str:
    return _usd(value) if measure.endswith("_usd") else f"{value:.4g}"


def _usd(usd: float, *, signed: bool = True) -> str:
    if math.isnan(usd):
        return "unknown"
    sign = ("-" if usd < 0.0 else "+") if signed else ""
    size = abs(usd)
    for unit, word in ((_BILLION, "bn"), (_MILLION, "m"), (_THOUSAND, "k")):
        if size >= unit:
            return f"{sign}${size / unit:.3g}{word}"
    return f"{sign}${size:.0f}"
