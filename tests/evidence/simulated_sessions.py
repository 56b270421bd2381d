"""Sessions of a known law: stochastic volatility, a U shape over the day, and jumps."""

import numpy as np

from core.columns import Floats
from core.day import BUCKET_NS
from core.sessions import NANOS_PER_SECOND, SessionTable
from tests.evidence.session_paths import Sessions

MINUTES = 390
CHECKPOINTS = {78: {"10:00": 6, "12:00": 30, "14:00": 54, "15:30": 72, "15:55": 77}}
DAILY_DEVIATION = 0.01
LEVEL_PERSISTENCE, LEVEL_SPREAD = 0.94, 0.7
"""Of the log variance from session to session: autocorrelation and standard deviation."""
INTRADAY_HOURS, INTRADAY_SPREAD = 1.0, 0.5
"""Of the log variance within the session: decay time and standard deviation."""
JUMPS_A_SESSION, JUMP_VARIANCE_SHARE = 0.2, 0.07
"""Rate of jumps, and their share of the variance (about 7 % in Huang & Tauchen 2005)."""


def u_shape() -> Floats:
    """Return each minute's share of a session's variance: high at the open, then at the close."""
    elapsed = (np.arange(MINUTES) + 0.5) / MINUTES
    shape = 0.4 + 1.8 * np.exp(-elapsed / 0.08) + 1.2 * np.exp((elapsed - 1.0) / 0.06)
    return np.asarray(shape / shape.sum())


def simulated_sessions(*, symbols: int, sessions: int, seed: int) -> Sessions:
    """Draw independent symbols, minute by minute, and keep their five-minute closes."""
    random = np.random.default_rng(seed)
    level = LEVEL_SPREAD * random.standard_normal(symbols)
    closes = []
    price = np.full(symbols, 100.0)
    for _ in range(sessions):
        path = price[:, np.newaxis] * np.exp(np.cumsum(_minutes(random, level), axis=1))
        closes.append(path[:, 4::5])
        price = path[:, -1]
        fresh = np.sqrt(1.0 - LEVEL_PERSISTENCE**2) * LEVEL_SPREAD
        level = LEVEL_PERSISTENCE * level + fresh * random.standard_normal(symbols)
    return Sessions(
        symbol=[f"S{i}" for i in range(symbols)],
        table=_table(sessions),
        closes=closes,
        before=np.full(symbols, 100.0),
    )


def _minutes(random: np.random.Generator, level: Floats) -> Floats:
    size = len(level)
    decay = np.exp(-1.0 / (60.0 * INTRADAY_HOURS))
    log_pace = np.empty((size, MINUTES))
    now = INTRADAY_SPREAD * random.standard_normal(size)
    for minute in range(MINUTES):
        log_pace[:, minute] = now
        fresh = INTRADAY_SPREAD * np.sqrt(1.0 - decay**2)
        now = decay * now + fresh * random.standard_normal(size)
    daily = DAILY_DEVIATION**2 * np.exp(level - 0.5 * LEVEL_SPREAD**2)[:, np.newaxis]
    pace = np.exp(log_pace - 0.5 * INTRADAY_SPREAD**2)
    smooth = (1.0 - JUMP_VARIANCE_SHARE) * daily * u_shape() * pace
    jumps = random.random((size, MINUTES)) < JUMPS_A_SESSION * u_shape()
    jump_variance = daily * JUMP_VARIANCE_SHARE / JUMPS_A_SESSION
    variance = smooth + np.where(jumps, jump_variance, 0.0)
    return np.asarray(np.sqrt(variance) * random.standard_normal((size, MINUTES)))


def _table(sessions: int) -> SessionTable:
    label = 20_000 + np.arange(sessions)
    open_ns = label * 86_400 * NANOS_PER_SECOND + 14 * 3600 * NANOS_PER_SECOND
    close_ns = open_ns + 78 * BUCKET_NS
    return SessionTable("XNYS", "UTC", label, open_ns, close_ns, close_ns - BUCKET_NS)
