"""The charts of a report: coverage by time of day, reliability, a day's trajectory."""

from collections.abc import Sequence

import numpy as np

from services.report_figures import StatedClass, TimeClass
from services.report_samples import Samples
from services.screen import usd
from services.svg_charts import Axis, Chart, round_ticks

POINTS = 80
"""Most points drawn of one trajectory; more would not show on a small chart."""
_RIGHT = (0.86, 0.94)
_SMALLEST_PROBABILITY = 0.001


def coverage_chart(classes: Sequence[TimeClass]) -> str:
    """Return coverage by time to the close, ours and the clock's."""
    names = [f"{each.minutes_from:.0f}–{each.minutes_to:.0f}" for each in classes]
    # The session runs from left to right: the longest way to the close first.
    places = list(range(len(classes)))[::-1]
    ticks = list(zip(map(float, places), names, strict=True))
    x = Axis(-0.5, max(len(classes) - 0.5, 0.5), ticks, "minutes to the close")
    y = Axis(0.5, 1.0, [(share, f"{100 * share:.0f} %") for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1)])
    chart = Chart(x, y)
    chart.band([(x.low, *_RIGHT), (x.high, *_RIGHT)], "target")
    chart.line([(x.low, 0.9), (x.high, 0.9)], "ideal")
    ours = [(float(p), max(c.inside, y.low)) for p, c in zip(places, classes, strict=True)]
    clock = [(float(p), max(c.clock_inside, y.low)) for p, c in zip(places, classes, strict=True)]
    for points, line, dot in ((clock, "clock", "clockdot"), (ours, "ours", "oursdot")):
        chart.line(points, line)
        for point in points:
            chart.dot(point, dot, says=f"{100 * point[1]:.1f} %")
    return chart.svg("share of closes inside the 90 % band by time to the close")


def reliability_chart(classes: Sequence[StatedClass]) -> str:
    """Return seen against stated breach frequency, both on a logarithmic scale."""
    shares = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    ticks = [(float(np.log10(share)), f"{100 * share:g} %") for share in shares]
    low = float(np.log10(_SMALLEST_PROBABILITY))
    chart = Chart(Axis(low, 0.0, ticks, "stated"), Axis(low, 0.0, ticks, "seen"))
    chart.line([(low, low), (0.0, 0.0)], "ideal")
    for each in classes:
        stated, seen = (
            float(np.log10(max(share, _SMALLEST_PROBABILITY))) for share in (each.stated, each.seen)
        )
        says = f"stated {100 * each.stated:.2g} %, seen {100 * each.seen:.2g} % of {each.rows:,}"
        chart.dot((stated, seen), "oursdot", says=says, radius=3.0 + np.log10(each.rows))
    return chart.svg("how often the close breached, against the probability stated before")


def trajectory_chart(rows: Samples) -> str:
    """Return one session of one reference: projection and band, and the close."""
    rows = _thinned(rows)
    hours = -rows.column["seconds_to_close"] / 3600.0
    now = rows.column["forced_flow_usd"]
    lower, upper = rows.column["forced_flow_lower_usd"], rows.column["forced_flow_upper_usd"]
    final = float(rows.final_usd[-1])
    low, high = _range(now, lower, upper, final)
    first = float(np.floor(hours.min()))
    x_ticks = [(float(hour), f"{hour:g} h") for hour in range(int(first), 1)][:: _stride(first)]
    chart = Chart(
        Axis(first, 0.0, x_ticks),
        Axis(low, high, round_ticks(low, high, usd, wanted=4)),
        width=360,
        height=190,
        margins=(8, 12, 28, 66),
    )
    known = ~np.isnan(lower)
    if known.any():
        columns = (hours[known].tolist(), lower[known].tolist(), upper[known].tolist())
        chart.band(list(zip(*columns, strict=True)), "band")
    chart.line(list(zip(hours.tolist(), now.tolist(), strict=True)), "now")
    chart.dot((0.0, final), "final", says=f"{usd(final)} at the close")
    return chart.svg(f"projected forced flow through the session, {usd(final)} at the close")


def _thinned(rows: Samples) -> Samples:
    keep = np.zeros(len(rows), np.bool_)
    keep[np.linspace(0, len(rows) - 1, min(POINTS, len(rows))).round().astype(int)] = True
    return rows.where(keep)


def _range(*columns: float | np.ndarray) -> tuple[float, float]:
    every = np.concatenate([np.atleast_1d(column) for column in columns])
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    low, high = min(low, 0.0), max(high, 0.0)
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _stride(first_hour: float) -> int:
    return 1 if first_hour >= -8 else 4  # noqa: PLR2004 - a day's hours would not fit their labels
