"""The variance to come, written a second time: one row, one bucket after another, no arrays."""

import math
from collections.abc import Sequence

ELAPSED = [0, 30, 150, 270, 330, 360, 375, 385, 390]
TO_COME = [1.0, 0.859, 0.543, 0.303, 0.177, 0.114, 0.056, 0.032, 0.0]


def naive_variance(
    past: Sequence[Sequence[float]],
    today: Sequence[float],
    *,
    usual_buckets: int,
    daily_volatility: float,
) -> float:
    """Return the variance to come after today's last price.

    A session is its bucket closes (NaN: none), of as many buckets as it has; ``today`` has NaN
    from now on. ``past`` is in order of time.
    """
    lessons = [lesson for lesson in map(_lesson, past) if lesson is not None][-60:]
    prior = _prior(lessons, daily_volatility, usual_buckets) * len(today) / usual_buckets
    profile = _profile(
        [roots for _, roots, buckets in lessons if buckets == usual_buckets], usual_buckets
    )
    filled = [i for i, close in enumerate(today) if not math.isnan(close)]
    gone_from, gone = (
        _between(profile, (at + 1) / len(today) * usual_buckets) for at in (filled[0], filled[-1])
    )
    seen, share = sum(_squares(today)), gone - gone_from
    if share == 0.0:
        return prior * (1.0 - gone)
    weight = share / (share + 0.35)
    pace = max(seen / share / prior, 0.04)
    log_pace = math.log(pace) + 1.0 / (len(filled) - 1)
    return prior * math.exp(weight * log_pace) * (1.0 - gone)


def _default_gone(minutes: float) -> float:
    for i in range(1, len(ELAPSED)):
        if minutes <= ELAPSED[i]:
            part = (minutes - ELAPSED[i - 1]) / (ELAPSED[i] - ELAPSED[i - 1])
            return 1.0 - (TO_COME[i - 1] + part * (TO_COME[i] - TO_COME[i - 1]))
    return 1.0


def _squares(closes: Sequence[float]) -> list[float]:
    last, squares = math.nan, []
    for close in closes:
        moved = not math.isnan(close) and not math.isnan(last)
        squares.append(math.log(close / last) ** 2 if moved else 0.0)
        last = last if math.isnan(close) else close
    return squares


def _lesson(closes: Sequence[float]) -> tuple[float, list[float], int] | None:
    """Return variance per bucket, roots of shares and the number of buckets."""
    filled = [i for i, close in enumerate(closes) if not math.isnan(close)]
    buckets = len(closes)
    squares = _squares(closes)
    if sum(squares) == 0.0:
        return None
    begin, end = (_default_gone((at + 1) / buckets * 390) for at in (filled[0], filled[-1]))
    if end - begin < 0.75 * (1.0 - _default_gone(390 / buckets)):
        return None
    variance = sum(squares) / (end - begin)
    return variance / buckets, [math.sqrt(q / sum(squares)) for q in squares], buckets


def _prior(
    lessons: Sequence[tuple[float, list[float], int]], daily_volatility: float, buckets: int
) -> float:
    total = weight = 0.0
    for age, (variance, _, _) in enumerate(reversed(lessons)):
        total += 0.94**age * variance * buckets
        weight += 0.94**age
    if math.isnan(daily_volatility):
        return total / weight * (1.0 + 1.0 / len(lessons)) if lessons else math.nan
    anchor = 5 * 0.94 ** len(lessons)
    return (total + anchor * daily_volatility**2 * 0.65) / (weight + anchor)


def _profile(roots: Sequence[list[float]], buckets: int) -> list[float]:
    default = [_default_gone(i / buckets * 390) for i in range(buckets + 1)]
    first = default[1]
    shape = [0.0] * buckets
    if roots:
        shape = [(sum(each[i] for each in roots) / len(roots)) ** 2 for i in range(buckets)]
        shape = [part / sum(shape) * (1.0 - first) for part in shape]
    shape[0] = first
    count, gone = len(roots), [0.0]
    for i, part in enumerate(shape):
        usual = default[i + 1] - default[i]
        gone.append(gone[-1] + (count * part + 5 * usual) / (count + 5))
    return [each / gone[-1] for each in gone]


def _between(profile: Sequence[float], position: float) -> float:
    left = min(int(position), len(profile) - 2)
    return profile[left] + (position - left) * (profile[left + 1] - profile[left])
