"""Charts as SVG text, drawn without scripts so that a page needs nothing but itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: its range in data units, where its ticks are, and what it says.

    ``low`` is drawn at the left or at the bottom; it may be the greater one.
    """

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    title: str = ""

    def share(self, value: float) -> float:
        """Return how far along the axis a value lies: 0 at ``low``, 1 at ``high``."""
        span = self.high - self.low
        return (value - self.low) / span if span else 0.5


class Chart:
    """An empty plot with its axes; each method draws one thing into it."""

    def __init__(
        self,
        x: Axis,
        y: Axis,
        *,
        width: int = 520,
        height: int = 260,
        margins: tuple[int, int, int, int] = (12, 14, 40, 62),
    ) -> None:
        self._x, self._y = x, y
        self._width, self._height = width, height
        self._top, self._right, self._bottom, self._left = margins
        self._parts: list[str] = []
        self._draw_axes()

    @property
    def y_range(self) -> Point:
        """Ends of the vertical axis, in data units."""
        return self._y.low, self._y.high

    def band(self, points: Sequence[tuple[float, float, float]], kind: str) -> None:
        """Fill between low and high; ``points`` are (x, low, high)."""
        upper = [(x, high) for x, _, high in points]
        lower = [(x, low) for x, low, _ in reversed(points)]
        self._parts.append(f'<polygon class="{kind}" points="{self._path(upper + lower)}"/>')

    def bar(self, corner: Point, opposite: Point, kind: str, *, says: str = "") -> None:
        """Fill a rectangle between two corners; ``says`` is shown when pointed at."""
        (left, top), (right, bottom) = self._place(corner), self._place(opposite)
        title = f"<title>{escape(says)}</title>" if says else ""
        self._parts.append(
            f'<rect class="{kind}" x="{min(left, right):.1f}" y="{min(top, bottom):.1f}" '
            f'width="{abs(right - left):.1f}" height="{abs(bottom - top):.1f}">{title}</rect>'
        )

    def line(self, points: Sequence[Point], kind: str) -> None:
        """Draw a line through points."""
        self._parts.append(f'<polyline class="{kind}" points="{self._path(points)}"/>')

    def dot(self, point: Point, kind: str, *, says: str = "", radius: float = 4.0) -> None:
        """Draw a dot; ``says`` is shown when pointed at."""
        x, y = self._place(point)
        title = f"<title>{escape(says)}</title>" if says else ""
        self._parts.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{title}</circle>'
        )

    def text(self, point: Point, words: str, *, anchor: str = "start") -> None:
        """Write words beside a point."""
        x, y = self._place(point)
        self._parts.append(
            f'<text x="{x + 6:.1f}" y="{y - 6:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def svg(self, says: str) -> str:
        """Return the chart as an SVG element; ``says`` describes it to those who cannot see it."""
        return (
            f'<svg viewBox="0 0 {self._width} {self._height}" role="img" '
            f'aria-label="{escape(says, quote=True)}">{"".join(self._parts)}</svg>'
        )

    def _draw_axes(self) -> None:
        left, right = self._left, self._width - self._right
        top, bottom = self._top, self._height - self._bottom
        for value, words in self._y.ticks:
            y = self._place((self._x.low, value))[1]
            self._parts.append(
                f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">'
                f"{escape(words)}</text>"
            )
        for value, words in self._x.ticks:
            x = self._place((value, self._y.low))[0]
            self._parts.append(
                f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
                f'<text class="tick" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">'
                f"{escape(words)}</text>"
            )
        self._parts.append(
            f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
            f'<text class="title" x="{(left + right) / 2:.0f}" y="{self._height - 6}" '
            f'text-anchor="middle">{escape(self._x.title)}</text>'
            f'<text class="title" x="14" y="{(top + bottom) / 2:.0f}" text-anchor="middle" '
            f'transform="rotate(-90 14 {(top + bottom) / 2:.0f})">{escape(self._y.title)}</text>'
        )

    def _place(self, point: Point) -> Point:
        across = self._width - self._left - self._right
        up = self._height - self._top - self._bottom
        x = self._left + across * self._x.share(point[0])
        y = self._top + up * (1.0 - self._y.share(point[1]))
        return x, y

    def _path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self._place, points))


def round_ticks(
    low: float, high: float, words: Callable[[float], str], *, wanted: int = 5
) -> list[tuple[float, str]]:
    """Return about `wanted` ticks at round values inside a range, with their words."""
    span = high - low
    if span <= 0.0:
        return [(low, words(low))]
    step = 10.0 ** math.floor(math.log10(span / wanted))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if span / (step * factor) <= wanted:
            step *= factor
            break
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(count * step, words(count * step)) for count in range(first, last + 1)]
