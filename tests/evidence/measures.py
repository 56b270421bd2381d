"""How well the forecast did: coverage, tails, pinball loss, reliability, with their uncertainty."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.forecast import QUANTILE_Z, closing_returns, probability_below
from core.volatility import squared_returns
from tests.evidence.session_paths import Scores, Sessions

NORMAL_Z = 1.6448536269514722
BLOCK_SESSIONS = 5
DRAWS = 1000


@dataclass(frozen=True)
class Measure:
    """A figure with its standard error and the range it is to lie in (NaN: no target).

    ``interval`` holds 95 % of the resampled figures.
    """

    name: str
    value: float
    error: float
    interval: tuple[float, float]
    low: float = float("nan")
    high: float = float("nan")

    @property
    def missed_by(self) -> float:
        """How far outside of its range it lies, in standard errors; 0 inside."""
        outside = max(self.low - self.value, self.value - self.high, 0.0)
        if outside <= 0.0:
            return 0.0
        return outside / self.error if self.error > 0.0 else float("inf")

    def line(self) -> str:
        """Return the figure as a line of the table."""
        least, most = self.interval
        text = f"{self.name:52} {self.value:7.4f} ± {self.error:.4f}  [{least:.3f}, {most:.3f}]"
        if np.isnan(self.low):
            return text
        verdict = "ok" if self.missed_by == 0.0 else f"MISSED by {self.missed_by:.1f} errors"
        return f"{text}   to be {self.low:.3g} … {self.high:.3g}: {verdict}"


@dataclass(frozen=True, eq=False)
class Judged:
    """Scores with what they are compared with, one entry a score.

    ``z`` the standardised outcome of the forecast; ``loss`` and ``clock_loss`` pinball losses of
    both ends of the band, in log return; ``pace`` today's realised variance over the expected.
    """

    scores: Scores
    z: Floats
    loss: Floats
    clock_loss: Floats
    pace: Floats


def judge(sessions: Sessions, scores: Scores) -> Judged:
    """Compare with the clock-time band: the same prior, spread evenly, with normal quantiles."""
    prior, expected, seen = _baselines(sessions, scores)
    clock = np.sqrt(prior * (1.0 - scores.elapsed))
    own = [
        np.log1p(closing_returns(np.zeros(len(prior)), scores.variance, z))
        for z in (-QUANTILE_Z, QUANTILE_Z)
    ]
    centre = np.log1p(closing_returns(np.zeros(len(prior)), scores.variance, 0.0))
    return Judged(
        scores=scores,
        z=(scores.outcome - centre) / np.sqrt(scores.variance),
        loss=_pinball(scores.outcome, own[0], own[1]),
        clock_loss=_pinball(scores.outcome, -NORMAL_Z * clock, NORMAL_Z * clock),
        pace=seen / expected,
    )


def _baselines(sessions: Sessions, scores: Scores) -> tuple[Floats, Floats, Floats]:
    """Exponentially weighted past variances, of the session and up to the bucket, and today's."""
    paths = [squared_returns(closes) for closes in sessions.closes]
    usual = max(path.shape[1] for path in paths)
    found = np.empty((3, len(scores.variance)))
    for i, (row, day, bucket) in enumerate(
        zip(scores.symbol, scores.session, scores.bucket, strict=True)
    ):
        past = [path[row] for path in paths[max(day - 60, 0) : day] if path.shape[1] == usual]
        weight = 0.94 ** np.arange(len(past))[::-1]
        weight /= weight.sum()
        today = paths[day][row]
        length = len(today) / usual
        found[0, i] = weight @ [path.sum() for path in past] * length
        upto = round(bucket / length)
        found[1, i] = weight @ [path[:upto].sum() for path in past] * length
        found[2, i] = today[:bucket].sum()
    return found[0], found[1], found[2]


def _pinball(outcome: Floats, low: Floats, high: Floats) -> Floats:
    below, above = outcome - low, outcome - high
    return np.maximum(0.05 * below, -0.95 * below) + np.maximum(0.95 * above, -0.05 * above)


Resampled = tuple[float, float, tuple[float, float]]
"""A statistic, its standard error and the interval that holds 95 % of its draws."""


def resampled(session: Int64s, statistic: Callable[[Int64s], float]) -> Resampled:
    """Return a statistic of all entries, with its draws over blocks of five sessions.

    ``statistic`` is given positions; all symbols of a session stay together.
    """
    block = session // BLOCK_SESSIONS
    members = [np.flatnonzero(block == each) for each in np.unique(block)]
    random = np.random.default_rng(20260622)
    draws = [
        statistic(
            np.concatenate([members[k] for k in random.integers(len(members), size=len(members))])
        )
        for _ in range(DRAWS)
    ]
    least, most = np.nanquantile(draws, [0.025, 0.975]).tolist()
    return statistic(np.arange(len(session))), float(np.nanstd(draws)), (least, most)


def share(name: str, judged: Judged, hits: Bools | Floats, low: float, high: float) -> Measure:
    """Return the mean of some hits as a measure; NaN entries are left out."""
    counted = np.flatnonzero(~np.isnan(hits))
    mine = np.asarray(hits, np.float64)[counted]
    session = judged.scores.session[counted]
    value, error, interval = resampled(session, lambda at: float(mine[at].mean()))
    # A handful of blocks may agree by chance; it is never surer than independent draws are.
    error = max(error, (value * (1.0 - value) / len(mine)) ** 0.5)
    return Measure(name, value, error, interval, low=low, high=high)


def coverage_measures(judged: Judged) -> list[Measure]:
    """Return coverage pooled, by checkpoint, by tail and by third of today's pace."""
    scores, nan = judged.scores, float("nan")
    found = [share("coverage, pooled", judged, scores.inside, 0.88, 0.92)]
    for name in dict.fromkeys(scores.checkpoint.tolist()):
        hits = np.where(scores.checkpoint == name, scores.inside, nan)
        found.append(share(f"coverage at {name}", judged, hits, 0.86, 0.94))
    found.append(share("closes below the band", judged, judged.z < -QUANTILE_Z, 0.03, 0.07))
    found.append(share("closes above the band", judged, judged.z > QUANTILE_Z, 0.03, 0.07))
    third = np.digitize(judged.pace, np.quantile(judged.pace, [1 / 3, 2 / 3]))
    for number, name in enumerate(("calmest", "middle", "liveliest")):
        hits = np.where(third == number, scores.inside, nan)
        found.append(share(f"coverage, {name} third of days so far", judged, hits, 0.86, 0.94))
    return found


def pinball_measure(judged: Judged) -> Measure:
    """Return the pinball loss over that of the clock-time band."""
    value, error, interval = resampled(
        judged.scores.session,
        lambda at: float(judged.loss[at].sum() / judged.clock_loss[at].sum()),
    )
    name = "pinball loss over the clock-time band's"
    return Measure(name, value, error, interval, low=0.0, high=0.93)


def tail_measures(judged: Judged) -> list[Measure]:
    """Return how often moves were seen over how often they were stated, both sides together."""
    either = 2.0 * np.minimum(probability_below(judged.z), probability_below(-judged.z))
    found = []
    for stated in (0.002, 0.01, 0.05, 0.2):
        name = f"moves of stated {stated:.1%}: seen over stated"
        hits = share(name, judged, either < stated, 0.0, 1.0)
        least, most = hits.interval
        interval = (least / stated, most / stated)
        ratio, error = hits.value / stated, hits.error / stated
        found.append(Measure(name, ratio, error, interval, low=1 / 1.5, high=1.5))
    return found


def _ratio(pair: Floats, at: Int64s) -> float:
    return float(pair[0, at].sum() / pair[1, at].sum())


def reliability_measures(judged: Judged) -> list[Measure]:
    """Return seen over stated breaches, by stated probability (published, thresholds pooled)."""
    stated, breached = judged.scores.stated, judged.scores.breached
    session = np.repeat(judged.scores.session, stated.shape[1])
    stated, breached = stated.ravel(), breached.ravel()
    found = []
    for low, high in ((0.001, 0.004), (0.004, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 0.7), (0.7, 1)):
        here = np.flatnonzero((stated >= low) & (stated < high))
        pair = np.stack((breached[here], stated[here]))
        value, error, interval = resampled(session[here], partial(_ratio, pair))
        name = f"breaches stated at {low:.1%} to {high:.1%}: seen over stated"
        found.append(Measure(name, value, error, interval))
    return found
