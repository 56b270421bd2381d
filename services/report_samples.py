"""What a report is judged by: every row of a replay beside what the close turned out to be."""

from dataclasses import dataclass, replace

import numpy as np

from core.assembly import BreachLevels, add_forecast, join_partials
from core.columns import Bools, Floats, Int32s, Int64s, Partial, View
from core.sessions import NANOS_PER_SECOND, NO_SESSION
from core.thresholds import LIQUIDITY_OF
from core.universe import Universe

_COLUMNS = (
    "seconds_to_close",
    "seconds_to_cutoff",
    "forced_flow_usd",
    "forced_flow_lower_usd",
    "forced_flow_upper_usd",
    "breach_threshold_usd",
    "breach_probability",
    "auction_ratio",
)


LastRows = dict[tuple[int, int], dict[str, float]]
"""The numeric columns of last rows and what is traded, by reference and session label."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Rows before their close, side by side, ordered by session, reference and time.

    ``reference`` int32[n], ``label``, ``market_ns`` int64[n]; ``column`` holds the projection's
    columns of each row by name, and ``clock_lower_usd`` and ``clock_upper_usd``, the band whose
    variance runs down with the clock from the same prior; ``final_usd`` float64[n] is the forced
    flow of that session's last row; ``scale_usd`` float64[n], sum of |L (L - 1)| A, makes
    references comparable.
    """

    reference: Int32s
    label: Int64s
    market_ns: Int64s
    column: dict[str, Floats]
    final_usd: Floats
    scale_usd: Floats

    def __len__(self) -> int:
        return len(self.reference)

    def where(self, mask: Bools) -> "Samples":
        """Return some of the samples."""
        return Samples(
            reference=self.reference[mask],
            label=self.label[mask],
            market_ns=self.market_ns[mask],
            column={name: column[mask] for name, column in self.column.items()},
            final_usd=self.final_usd[mask],
            scale_usd=self.scale_usd[mask],
        )


class SampleTaker:
    """Collects the rows of a replay as it goes; ``last_rows`` is what each session came to."""

    def __init__(self, universe: Universe, breach: BreachLevels) -> None:
        self._universe = universe
        self._breach = breach
        self._prior = np.full(len(universe.symbol), np.nan)
        self._prior_label = np.full(len(universe.symbol), NO_SESSION, np.int64)
        self._parts: list[dict[str, Floats]] = []
        self.last_rows: LastRows = {}

    def take(self, partial: Partial, view: View, which: Bools) -> None:
        """Take rows of the grid; the first of a session tells its prior variance."""
        is_new = partial.label != self._prior_label[partial.reference]
        self._prior[partial.reference[is_new]] = partial.variance[is_new]
        self._prior_label[partial.reference] = partial.label
        rows = np.flatnonzero(which)
        if not len(rows):
            return
        clock = self._clock_view(partial)
        part = {name: view.numeric[name][rows] for name in _COLUMNS}
        part["clock_lower_usd"] = clock.numeric["forced_flow_lower_usd"][rows]
        part["clock_upper_usd"] = clock.numeric["forced_flow_upper_usd"][rows]
        part["scale_usd"] = view.weight_usd[rows]
        part["reference"] = rows.astype(np.float64)
        part["label"] = view.label[rows].astype(np.float64)
        # Whole seconds survive a float; a report needs no finer time.
        part["second"] = (view.market_ns[rows] // NANOS_PER_SECOND).astype(np.float64)
        self._parts.append(part)

    def take_last(self, view: View, which: Bools) -> None:
        """Take the last rows of a session: what the close turned out to be."""
        for row in np.flatnonzero(which).tolist():
            columns = {name: float(column[row]) for name, column in view.numeric.items()}
            for name in LIQUIDITY_OF.values():
                columns[name] = float(getattr(view, name)[row])
            self.last_rows[row, int(view.label[row])] = columns

    def samples(self) -> Samples:
        """Return all rows whose session has ended with a known figure."""
        names = (*_COLUMNS, "clock_lower_usd", "clock_upper_usd")
        every = (*names, "scale_usd", "reference", "label", "second")
        joined = {
            name: np.concatenate([np.empty(0), *(part[name] for part in self._parts)])
            for name in every
        }
        reference = joined["reference"].astype(np.int32)
        label = joined["label"].astype(np.int64)
        keys = zip(reference.tolist(), label.tolist(), strict=True)
        unknown = {"forced_flow_usd": np.nan}
        final_usd = np.array(
            [self.last_rows.get(key, unknown)["forced_flow_usd"] for key in keys], np.float64
        )
        samples = Samples(
            reference=reference,
            label=label,
            market_ns=joined["second"].astype(np.int64) * NANOS_PER_SECOND,
            column={name: joined[name] for name in names},
            final_usd=final_usd,
            scale_usd=joined["scale_usd"],
        )
        order = np.lexsort((samples.market_ns, reference, label))
        known = ~np.isnan(samples.final_usd[order]) & ~np.isnan(joined["forced_flow_usd"][order])
        return samples.where(order[known])

    def _clock_view(self, partial: Partial) -> View:
        """Return the view with the band a clock would give: the prior, evenly spent."""
        length = np.maximum(partial.close_ns - partial.open_ns, 1)
        left = np.maximum(partial.close_ns - partial.market_ns, 0)
        variance = self._prior[partial.reference] * left / length
        view = join_partials(self._universe, [partial])
        add_forecast(view, replace(partial, variance=variance), self._breach)
        return view
