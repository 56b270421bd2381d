"""The charts of a chain's profile: gamma exposure by spot, by strike and by expiry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.chain_profile import ChainProfile
from core.columns import Floats
from core.dealer_gamma import ExposureTable
from core.dealer_signs import CALLS, PUTS
from services.rows import session_text
from services.screen import usd
from services.svg_charts import Axis, Chart, round_ticks

MOST_BARS = 90
"""Strikes are gathered into so many bars at the most; more would not show."""
MOST_EXPIRIES = 60
"""Later expiries are gathered into the last bar."""
SHOWN_GAMMA = 0.99
"""Share of the gross gamma that the strikes drawn hold; the rest lies far away on both sides."""
SMALLEST_BAR = 0.03
"""Bars shorter than this share of the chart have no dot for their net."""
_WIDTH, _HEIGHT = 1080, 300
_MARGINS = (22, 16, 40, 88)


@dataclass(frozen=True)
class _Bar:
    """Gamma exposure of calls (>= 0) and of puts (<= 0) between two ends, and what it is of."""

    left: float
    right: float
    calls: float
    puts: float
    name: str


def spot_chart(profile: ChainProfile) -> str:
    """Return dealers' gamma exposure against the price, with its zero-gamma levels."""
    exposure = profile.zero_gamma_model.weights @ profile.exposure_by_spot
    x = _price_axis(float(profile.spots[0]), float(profile.spots[-1]), "price of the underlying")
    chart = _chart(x, exposure)
    prices = profile.spots.tolist()
    chart.band([(at, 0.0, max(y, 0.0)) for at, y in zip(prices, exposure, strict=True)], "long")
    chart.band([(at, min(y, 0.0), 0.0) for at, y in zip(prices, exposure, strict=True)], "short")
    chart.line(list(zip(prices, exposure.tolist(), strict=True)), "ours")
    _mark(chart, profile.spot, f"spot {price(profile.spot)}")
    low, high = chart.y_range
    for each in profile.zero_gamma.levels:
        side = "long above, short below" if each.long_above else "short above, long below"
        says = f"zero gamma {price(each.level)}, {100 * each.distance:+.1f} %: dealers {side}"
        chart.dot((each.level, 0.0), "final", says=says, radius=5.0)
        # On the side of the line where the curve is not.
        beside = -0.09 if each.long_above else 0.01
        chart.text((each.level, beside * (high - low)), f"zero gamma {price(each.level)}")
    return chart.svg("gamma exposure by the price of the underlying")


def strike_chart(profile: ChainProfile) -> str:
    """Return gamma exposure by strike, calls up and puts down, around the spot."""
    bars = _strike_bars(profile.by_strike, profile.spot)
    x = _price_axis(bars[0].left, bars[-1].right, "strike")
    chart = _bar_chart(x, bars)
    _mark(chart, profile.spot, f"spot {price(profile.spot)}")
    return chart.svg("gamma exposure by strike")


def expiry_chart(profile: ChainProfile) -> str:
    """Return gamma exposure by expiry, calls up and puts down."""
    bars = _expiry_bars(profile.by_expiry)
    step = max(len(bars) // 8, 1)
    ticks = [((bar.left + bar.right) / 2.0, bar.name) for bar in bars[::step]]
    return _bar_chart(Axis(0.0, float(len(bars)), ticks, "expiry"), bars).svg(
        "gamma exposure by expiry"
    )


def price(value: float) -> str:
    """Return a price without needless decimals."""
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:,.2f}".removesuffix(".00")  # noqa: PLR2004


def _strike_bars(table: ExposureTable, spot: float) -> list[_Bar]:
    strikes = np.asarray(table.key, np.float64)
    calls, puts = table.exposure[CALLS], -table.exposure[PUTS]
    low, high = _shown(strikes, calls - puts, spot)
    inside = (strikes >= low) & (strikes <= high)
    strikes, calls, puts = strikes[inside], calls[inside], puts[inside]
    if len(strikes) <= MOST_BARS:
        half = 0.4 * float(np.diff(strikes).min(initial=0.05 * spot))
        columns = (strikes.tolist(), calls.tolist(), puts.tolist())
        return [
            _Bar(strike - half, strike + half, up, down, price(strike))
            for strike, up, down in zip(*columns, strict=True)
        ]
    return _gathered(strikes, calls, puts, np.linspace(low, high, MOST_BARS + 1))


def _gathered(strikes: Floats, calls: Floats, puts: Floats, edges: Floats) -> list[_Bar]:
    """Return a bar for each pair of edges that has strikes between them."""
    count = len(edges) - 1
    place = np.clip(np.searchsorted(edges, strikes, side="right") - 1, 0, count - 1)
    up, down = (np.bincount(place, column, count) for column in (calls, puts))
    bars = []
    for each in np.unique(place).tolist():
        own = strikes[place == each]
        name = price(own[0]) if len(own) == 1 else f"{price(own[0])} to {price(own[-1])}"
        bars.append(_Bar(edges[each], edges[each + 1], up[each], down[each], name))
    return bars


def _shown(strikes: Floats, gross: Floats, spot: float) -> tuple[float, float]:
    """Return the ends of the range, spot included, that holds most of the gamma."""
    held = np.cumsum(gross) / gross.sum() if gross.any() else np.linspace(0.0, 1.0, len(gross))
    tail = (1.0 - SHOWN_GAMMA) / 2.0
    first, last = np.searchsorted(held, [tail, 1.0 - tail])
    low, high = float(strikes[first]), float(strikes[min(last, len(strikes) - 1)])
    edge = 0.02 * spot
    return min(low, spot) - edge, max(high, spot) + edge


def _expiry_bars(table: ExposureTable) -> list[_Bar]:
    names = [session_text(int(day)) or "" for day in table.key.tolist()]
    calls, puts = table.exposure[CALLS].tolist(), (-table.exposure[PUTS]).tolist()
    if len(names) > MOST_EXPIRIES:
        kept = MOST_EXPIRIES - 1
        names = [*names[:kept], "later"]
        calls = [*calls[:kept], sum(calls[kept:])]
        puts = [*puts[:kept], sum(puts[kept:])]
    return [
        _Bar(place + 0.15, place + 0.85, up, down, name)
        for place, (up, down, name) in enumerate(zip(calls, puts, names, strict=True))
    ]


def _bar_chart(x: Axis, bars: Sequence[_Bar]) -> Chart:
    chart = _chart(x, np.array([[bar.calls, bar.puts] for bar in bars]).ravel())
    for bar in bars:
        net = usd(bar.calls + bar.puts)
        says = f"{bar.name}: calls {usd(bar.calls)}, puts {usd(bar.puts)}, net {net}"
        chart.bar((bar.left, 0.0), (bar.right, bar.calls), "calls", says=says)
        chart.bar((bar.left, 0.0), (bar.right, bar.puts), "puts", says=says)
    low, high = chart.y_range
    for bar in bars:
        if bar.calls - bar.puts > SMALLEST_BAR * (high - low):
            middle = (bar.left + bar.right) / 2.0
            chart.dot((middle, bar.calls + bar.puts), "net", radius=2.2)
    return chart


def _chart(x: Axis, figures: Floats) -> Chart:
    low, high = min(float(figures.min()), 0.0), max(float(figures.max()), 0.0)
    spare = 0.06 * (high - low) or 1.0
    low, high = low - spare * (low < 0.0), high + spare
    y = Axis(low, high, round_ticks(low, high, _tick), "USD per 1 %")
    chart = Chart(x, y, width=_WIDTH, height=_HEIGHT, margins=_MARGINS)
    chart.line([(x.low, 0.0), (x.high, 0.0)], "axis")
    return chart


def _tick(amount: float) -> str:
    for unit, size in (("bn", 1e9), ("m", 1e6), ("k", 1e3)):
        if abs(amount) >= size:
            return f"{amount / size:+,.4g} {unit}"
    return f"{amount:+,.4g}" if amount else "0"


def _price_axis(low: float, high: float, title: str) -> Axis:
    return Axis(low, high, round_ticks(low, high, price, wanted=10), title)


def _mark(chart: Chart, at: float, words: str) -> None:
    low, high = chart.y_range
    chart.line([(at, low), (at, high)], "mark")
    chart.text((at, high), words)
