"""How much variance a session has, how it is spread over the hours, and what is still to come.

A session's variance is expected from the sessions before it (`prior_variance`) and spread over
the session by a profile learnt from them (`learnt_profile`). What today has shown so far moves
the expectation in proportion to how much of the session it has seen (`variance_to_come`) [1]_.
There is no drift anywhere: the expected close is the price.

References
----------
.. [1] Andersen & Bollerslev (1997), Intraday Periodicity and Volatility Persistence in Financial
       Markets, Journal of Empirical Finance 4, 115-158: a daily level times an intraday profile.
"""

import numpy as np

from core.columns import Bools, Floats, Int64s

OVERNIGHT_VARIANCE_SHARE = 0.35
"""Share of the close-to-close variance that falls between close and open; 0.30 to 0.43 measured
on US funds and shares. Too high a share makes the band too narrow."""

PROFILE_ELAPSED = np.array([0, 30, 150, 270, 330, 360, 375, 385, 390]) / 390.0
PROFILE_TO_COME = np.array([1.0, 0.859, 0.543, 0.303, 0.177, 0.114, 0.056, 0.032, 0.0])
"""Share of the open-to-close variance still to come, by share of the session gone: QQQ one-minute
bars, 44 sessions; of the last five minutes that of SPY, the greatest of 15 measured. What a
reference starts from. It leaves more for the afternoon than most profiles learnt since (0.54
against 0.38 after 150 minutes), so that it errs on the wide side."""

ALL_DAY_SECONDS = 23 * 3600.0
"""Sessions at least this long have no night: all their variance falls inside, evenly."""

SESSION_DECAY = 0.94
"""Weight of a session's variance against that of the one after it (RiskMetrics' daily decay)."""

STATED_SESSIONS = 5.0
"""A stated volatility counts as this many sessions before the first one seen."""

DEFAULT_PROFILE_SESSIONS = 5.0
"""The profile a reference starts from counts as this many sessions beside those seen."""

HALF_TRUSTED_SHARE = 0.35
"""What today has shown counts half once this share of the session's variance has been seen."""

LEAST_PACE = 0.04
"""Today's variance is never taken for less than this share of what was expected (a fifth of the
volatility): a price that stands still may be a price that is not being made."""


def default_gone(elapsed: Floats, *, is_all_day: Bools | bool) -> Floats:
    """Return the share of a session's variance that is behind after a share of its time."""
    curve = 1.0 - np.interp(elapsed, PROFILE_ELAPSED, PROFILE_TO_COME)
    return np.where(is_all_day, elapsed, curve)


def stated_variance(daily_volatility: Floats, usual_seconds: Floats) -> Floats:
    """Return the open-to-close variance that a close-to-close volatility stands for.

    ``daily_volatility`` 0.01 = 1 %, ``usual_seconds`` the length of a usual session; both
    float64[n]; NaN = unknown.
    """
    inside = np.where(usual_seconds >= ALL_DAY_SECONDS, 1.0, 1.0 - OVERNIGHT_VARIANCE_SHARE)
    return daily_volatility**2 * inside


def prior_variance(stated: Floats, *, weighted: Floats, weight: Floats, sessions: Int64s) -> Floats:
    """Return the variance expected of a session of usual length before it begins.

    Parameters
    ----------
    stated : float64[n]       from `stated_variance`, NaN where none is stated
    weighted : float64[n]     sum of past sessions' variances times their weights
    weight : float64[n]       sum of these weights, ``SESSION_DECAY`` to the power of the age
    sessions : int64[n]       how many past sessions that is

    Returns
    -------
    float64[n]    NaN where nothing is stated and no session was seen

    Notes
    -----
    Without a stated figure a mean over n sessions is itself uncertain by 1/n of its square, and
    the result is that much greater.
    """
    anchor = np.where(np.isnan(stated), 0.0, STATED_SESSIONS * SESSION_DECAY**sessions)
    doubt = np.where(np.isnan(stated), 1.0 / np.maximum(sessions, 1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (weighted + anchor * np.nan_to_num(stated)) / (weight + anchor)
    return np.asarray(mean * (1.0 + doubt))


def squared_returns(closes: Floats) -> Floats:
    """Return the squared log returns of bucket closes, float64[n, m] each.

    An empty bucket (NaN) has none; the first one filled has none either, and one that follows
    empty ones has the whole move since the last price.
    """
    at = np.where(np.isnan(closes), -1, np.arange(closes.shape[1]))
    last = np.maximum(np.maximum.accumulate(at, axis=1), 0)
    log_price = np.log(np.take_along_axis(closes, last, axis=1))
    step = np.diff(log_price, axis=1, prepend=log_price[:, :1])
    return np.where(np.isnan(step), 0.0, step**2)


def learnt_profile(roots: Floats, sessions: Int64s, default: Floats) -> Floats:
    """Return the share of the variance behind at each bucket's end, float64[n, m + 1].

    Parameters
    ----------
    roots : float64[n, m]     mean over past sessions of the square root of each bucket's share
    sessions : int64[n]       how many sessions that is
    default : float64[m + 1]  the shares to start from, 0 to 1

    Notes
    -----
    The mean is taken of roots and squared, that is of absolute and not of squared returns, so
    that one jump does not become a habit. The first bucket keeps its default share: nobody saw
    the price before its close.
    """
    steps = np.diff(default)
    shape = roots**2
    total = shape.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        shape = np.where(total > 0.0, shape / total, 0.0) * (1.0 - steps[0])
    shape[:, 0] = steps[0]
    count = np.where(total[:, 0] > 0.0, sessions, 0)[:, np.newaxis]
    mixed = (shape * count + DEFAULT_PROFILE_SESSIONS * steps) / (count + DEFAULT_PROFILE_SESSIONS)
    gone = np.cumsum(mixed, axis=1)
    return np.concatenate((np.zeros((len(gone), 1)), gone / gone[:, -1:]), axis=1)


def gone_at(profile: Floats, rows: Int64s, *, buckets: Int64s, elapsed: Floats) -> Floats:
    """Return the share of variance behind some rows after a share of their sessions, float64[k].

    ``profile`` float64[n, m + 1], of which ``rows`` int64[k] use the first ``buckets + 1``
    entries; ``elapsed`` float64[k], 0 to 1: a shorter session runs through the profile faster.
    """
    position = elapsed * buckets
    left = np.minimum(position.astype(np.int64), buckets - 1)
    start, stop = profile[rows, left], profile[rows, left + 1]
    return np.asarray(start + (position - left) * (stop - start))


def variance_to_come(
    prior: Floats, *, seen: Floats, returns: Int64s, gone_from: Floats, gone: Floats
) -> Floats:
    """Return the variance of the log price from the last price to the close, float64[n].

    Parameters
    ----------
    prior : float64[n]        of the whole session, NaN = unknown
    seen : float64[n]         sum of today's squared returns
    returns : int64[n]        how many these are
    gone_from : float64[n]    share of variance behind where these returns begin
    gone : float64[n]         share behind at the last price

    Notes
    -----
    Expectation and today's pace meet in logs, with weight s / (s + ``HALF_TRUSTED_SHARE``) for a
    share s seen. The log of a mean of m squared normal returns is 1/m too low on average, which
    is put back. The last price counts, not the time: through a halt nothing of what is to come
    has come yet.
    """
    share = gone - gone_from
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = np.where(share > 0.0, np.maximum(seen / share / prior, LEAST_PACE), 1.0)
    weight = share / (share + HALF_TRUSTED_SHARE)
    log_pace = np.log(pace) + 1.0 / np.maximum(returns, 1)
    return np.asarray(prior * np.exp(weight * log_pace) * (1.0 - gone))
