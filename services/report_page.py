"""The report of a replay as one page: no scripts, no other files, readable by a desk head."""

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from core.universe import Universe
from services.page_style import STYLE
from services.report_alerts import AlertOutcome, AlertQuality, minutes_text, share_text
from services.report_charts import coverage_chart, reliability_chart, trajectory_chart
from services.report_figures import Figures
from services.report_samples import Samples
from services.rows import session_text
from services.screen import usd

SHOWN_PER_SESSION = 6
"""References drawn for each session, the largest share of the auction first."""
MANY_ALERTS = 40
"""More than these are folded away under their summary."""
OPEN_SESSIONS = 3
"""Sessions whose charts are unfolded; the latest ones."""

ENOUGH_SESSIONS = 20
"""With fewer the page warns: a band's coverage cannot be told from a handful of days."""

_FEW_SESSIONS = (
    "<p><b>Few sessions.</b> References move together within a day, so the shares below hang on a "
    "handful of days: read them as an illustration, not as evidence.</p>"
)
_DAYS_HEADING = (
    "<h2>Each day</h2><p>Forced flow at the close as projected through the session (line), its "
    "90 % band (shaded), and what the close turned out to be (red). Buy above zero, sell below. "
    f"The {SHOWN_PER_SESSION} references with the largest share of their closing auction are "
    "drawn for each session.</p>"
)


_QUALITY = ("rule", "level", "alerts", "a day", "median lead", "worst", "flips", "confirmed")


def report_page(figures: Figures, samples: Samples, universe: Universe) -> str:
    """Return the whole page as HTML."""
    parts = [
        f"<title>forcedflow replay: {figures.sessions} sessions</title><style>{STYLE}</style>",
        "<h1>What was due at the close, and how well it was known before</h1>",
        _introduction(figures),
        _tiles(figures),
        _band_section(figures),
        _alert_section(figures),
        _DAYS_HEADING,
        *_days(samples, universe),
    ]
    head = '<!doctype html><html lang="en"><meta charset="utf-8">'
    return f"{head}<meta name=viewport content='width=device-width'>{''.join(parts)}</html>\n"


def _introduction(figures: Figures) -> str:
    return (
        f"<p>{figures.rows:,} rows of {_count(figures.references, 'reference')} over "
        f"{_count(figures.sessions, 'session')}, replayed in event time. No row knew more "
        "than had been timestamped by then; "
        "each is held against the last row of its session, the one that the official close "
        "settles. Forced flow is what leveraged and inverse funds must trade to restore their "
        "leverage, with the creations known. It says nothing of where the price goes.</p>"
        f"{_FEW_SESSIONS if figures.sessions < ENOUGH_SESSIONS else ''}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _tiles(figures: Figures) -> str:
    confirmed = [alert.confirmed for alert in figures.alerts if alert.confirmed is not None]
    leads = [alert.lead_minutes for alert in figures.alerts if alert.lead_minutes is not None]
    tiles = [
        (percent(figures.inside), "of closes inside the 90 % band"),
        (
            f"{percent(figures.below)} | {percent(figures.above)}",
            "below | above it; 5 % each is right",
        ),
        (_ratio(figures.pinball_ratio), "loss against a band by the clock; below 1 is better"),
    ]
    if figures.alerts:
        tiles += [
            (f"{len(figures.alerts) / max(figures.sessions, 1):.1f}", "alerts a session"),
            (_share_of(confirmed), "of alerts confirmed by the close"),
            (f"{np.median(leads):.0f} min" if leads else "–", "median lead before the cut-off"),
        ]
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(words)}</span></div>'
        for value, words in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _band_section(figures: Figures) -> str:
    rows = "".join(
        f"<tr><td>{each.minutes_from:.0f}–{each.minutes_to:.0f} min</td><td>{each.rows:,}</td>"
        f"<td>{percent(each.inside)}</td><td>{percent(each.below)}</td>"
        f"<td>{percent(each.above)}</td><td>{percent(each.clock_inside)}</td>"
        f"<td>{_ratio(each.pinball / each.clock_pinball if each.clock_pinball else np.nan)}</td>"
        f"<td>{percent(each.error, 2)}</td></tr>"
        for each in figures.by_time
    )
    head = _head(
        "to the close", "rows", "inside", "below", "above", "by the clock", "loss ratio", "error"
    )
    return (
        "<h2>Is the band right?</h2><p>A 90 % band should hold nine closes of ten, at any time of "
        "the day. Beside it the band that a clock would give from the same prior: the variance of "
        "the session spent evenly. The loss is the pinball loss of both ends; the error is the "
        "median distance from the projection to the close, as a return of the reference.</p>"
        f'<div class="row"><figure>{coverage_chart(figures.by_time)}<figcaption>Closes inside the '
        "90 % band by time to the close: ours (blue), by the clock (brown); green is 86–94 %."
        f"</figcaption></figure>{_reliability_figure(figures)}</div>"
        f"<table>{head}{rows}</table>"
    )


def _reliability_figure(figures: Figures) -> str:
    if not figures.reliability:
        return ""  # without rules there is no level to breach
    return (
        f"<figure>{reliability_chart(figures.reliability)}<figcaption>Stated probability that the "
        "close breaches its warning level, and how often it did; on the dashed line it means what "
        "it says.</figcaption></figure>"
    )


def _alert_section(figures: Figures) -> str:
    alerts = figures.alerts
    if not alerts:
        return "<h2>Alerts</h2><p>None: no rules were given, or nothing crossed them.</p>"
    summary = "".join(map(_quality_row, figures.quality))
    rows = "".join(_alert_row(each) for each in alerts)
    unfolded = " open" if len(alerts) <= MANY_ALERTS else ""
    return (
        f"<h2>Alerts</h2><p>{_count(len(alerts), 'alert')} in "
        f"{_count(figures.sessions, 'session')}. "
        "An alert is confirmed "
        "when the last row of its session still stands at or above its threshold, on its side; a "
        "group by the sum of its members' last rows. A flip is an alert that fires again for the "
        "same subject and side in the same session. Leads are to the cut-off for close orders, of "
        "a group to the first of its open members; the worst is the shortest.</p>"
        f"<table>{_head(*_QUALITY)}{summary}"
        f"</table><details{unfolded}><summary>All of them</summary><table>"
        f"{_head('fired', 'level', 'who', 'alert', 'before the cut-off', 'ended', 'confirmed')}"
        f"{rows}</table></details>"
    )


def _quality_row(each: AlertQuality) -> str:
    return (
        f"<tr><td>{escape(each.rule)}</td><td>{each.level}</td><td>{each.alerts}</td>"
        f"<td>{each.a_session:.2f}</td><td>{minutes_text(each.lead_median_minutes)}</td>"
        f"<td>{minutes_text(each.lead_worst_minutes)}</td><td>{each.flips}</td>"
        f"<td>{share_text(each)}</td></tr>"
    )


def _alert_row(each: AlertOutcome) -> str:
    return (
        f"<tr><td>{escape(each.fires_at or '')}</td><td>{each.severity}</td>"
        f"<td>{each.side} {escape(each.symbol)}</td>"
        f"<td>{escape(each.alertname)}</td><td>{_lead(each.lead_minutes)}</td>"
        f"<td>{escape((each.resolves_at or '')[11:19])} {each.reason.replace('_', ' ')}</td>"
        f"<td>{_verdict(each.confirmed)}</td></tr>"
    )


def _head(*names: str) -> str:
    return f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"


def _days(samples: Samples, universe: Universe) -> Iterator[str]:
    labels = np.unique(samples.label)[::-1].tolist()
    for number, label in enumerate(labels):
        session = samples.where(samples.label == label)
        shown, left_out = _largest(session)
        charts = "".join(
            f"<figure>{trajectory_chart(session.where(session.reference == row))}<figcaption><b>"
            f"{escape(universe.symbol[row])}</b> {escape(universe.name[row])}: "
            f"{usd(float(session.final_usd[session.reference == row][-1]))} at the close"
            "</figcaption></figure>"
            for row in shown
        )
        more = f", {left_out} smaller ones left out" if left_out else ""
        yield (
            f"<details{' open' if number < OPEN_SESSIONS else ''}><summary>{session_text(label)}: "
            f'{len(shown)} references{more}</summary><div class="small">{charts}</div></details>'
        )


def _largest(session: Samples) -> tuple[list[int], int]:
    """Return the references to draw, and how many others owe something."""
    references, last = np.unique(session.reference[::-1], return_index=True)
    at = len(session) - 1 - last
    flow = np.abs(session.final_usd[at])
    share = np.abs(session.column["auction_ratio"][at])
    owing = flow > 0.0
    order = np.lexsort((-flow, -np.nan_to_num(share)))
    chosen = [int(references[i]) for i in order if owing[i]]
    return chosen[:SHOWN_PER_SESSION], max(len(chosen) - SHOWN_PER_SESSION, 0)


def percent(share: float, digits: int = 1) -> str:
    """Return a fraction as a percentage without a sign; unknown as a dash."""
    return "–" if np.isnan(share) else f"{100.0 * share:.{digits}f} %"


def _ratio(ratio: float) -> str:
    return "–" if np.isnan(ratio) else f"{ratio:.3f}"


def _share_of(verdicts: Sequence[bool]) -> str:
    return percent(sum(verdicts) / len(verdicts), 0) if verdicts else "–"


def _lead(minutes: float | None) -> str:
    if minutes is None:
        return "–"
    return f"{minutes:.0f} min" if minutes >= 0 else "after it"


def _verdict(confirmed: bool | None) -> str:  # noqa: FBT001 - a verdict, not a switch
    if confirmed is None:
        return "–"
    return '<span class="yes">yes</span>' if confirmed else '<span class="no">no</span>'
