"""Gauges of many series: shown as whole tables, written for /metrics without the interpreter.

A table of thousands of series takes a library that makes an object of each a tenth of a second of
the interpreter, which the event loop waits for. Here the loop only swaps a reference; the threads
of /metrics join what never changes, name and labels, to the figures in Arrow's compiled code, which
lets the loop go on meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.columns import Bools, Floats
from services.clock import Clock
from streams.metric import Metric

SHOWN_SECONDS = 3.0
"""Figures shown longer ago than this are left out: no old number is shown as fresh."""

_LINE_END = pa.scalar("\n")
_NOTHING_BETWEEN = pa.scalar("")


@dataclass(frozen=True, eq=False)
class ShownGauges:
    """The figures of one moment, which nobody changes any more.

    Attributes
    ----------
    labels : one sequence a label of the metrics, each of length n
    columns : one float64[n] a metric, in the metrics' order and units
    is_known : bool[n], False where no metric has a figure
    since : monotonic seconds when it was shown
    """

    labels: tuple[Sequence[str], ...]
    columns: Sequence[Floats]
    is_known: Bools
    since: float


class GaugeTable:
    """Metrics with the same labels, whose figures come and go together.

    A figure that is not finite is unknown and has no sample; what was shown longer ago than
    ``shown_seconds`` is left out.
    """

    def __init__(
        self, metrics: Sequence[Metric], clock: Clock, *, shown_seconds: float = SHOWN_SECONDS
    ) -> None:
        self._metrics = tuple(metrics)
        self._clock = clock
        self._shown_seconds = shown_seconds
        self._shown: ShownGauges | None = None
        self._named: tuple[Sequence[str], ...] = ()
        self._prefixes: list[pa.Array] = []

    def show(
        self,
        labels: tuple[Sequence[str], ...],
        columns: Sequence[Floats],
        *,
        is_known: Bools | None = None,
    ) -> None:
        """Show these figures from now on; the arrays must not be changed any more.

        Parameters
        ----------
        labels : the values of each label, in the order of the metrics' labels: length n each
        columns : one float64[n] a metric, in the metrics' order
        is_known : bool[n], rows that are shown; default all
        """
        if is_known is None:
            is_known = np.ones(len(labels[0]), np.bool_)
        self._shown = ShownGauges(labels, columns, is_known, self._clock.monotonic())

    def hide(self) -> None:
        """Show nothing from now on."""
        self._shown = None

    def current(self) -> ShownGauges | None:
        """Return what is shown, None once it is too old."""
        shown = self._shown
        if shown is None or self._clock.monotonic() - shown.since > self._shown_seconds:
            return None
        return shown

    def render(self, shown: ShownGauges | None) -> Iterator[bytes]:
        """Yield the text of the metrics, format 0.0.4; not to be called by two threads at once."""
        if shown is not None and shown.labels != self._named:
            self._prefixes = [_prefixes(metric, shown.labels) for metric in self._metrics]
            self._named = shown.labels
        for number, metric in enumerate(self._metrics):
            yield _head(metric)
            if shown is not None:
                yield _lines(self._prefixes[number], shown.columns[number], shown.is_known)


def _head(metric: Metric) -> bytes:
    text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {metric.name} {text}\n# TYPE {metric.name} {metric.kind}\n".encode()


def _prefixes(metric: Metric, labels: tuple[Sequence[str], ...]) -> pa.Array:
    """Return the beginning of each row's line up to its figure; labels in alphabetical order."""
    named = sorted(zip(metric.labels, labels, strict=True))
    rows = zip(
        *([f'{name}="{_escaped(one)}"' for one in each] for name, each in named), strict=True
    )
    return pa.array([f"{metric.name}{{{','.join(row)}}} " for row in rows], pa.string())


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _lines(prefixes: pa.Array, column: Floats, is_known: Bools) -> bytes:
    """Return one line a known row: Arrow lays the strings of an array end to end."""
    is_left_out = ~(is_known & np.isfinite(column))
    figures = pc.cast(pa.array(column, mask=is_left_out), pa.string())
    lines = pc.binary_join_element_wise(prefixes, figures, _LINE_END, _NOTHING_BETWEEN)
    _validity, ends, text = lines.buffers()
    size = int(np.frombuffer(ends, np.int32)[len(lines)])
    return text.slice(0, size).to_pybytes() if size else b""
