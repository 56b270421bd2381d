"""Error budgets: how fast they burn, counted in sessions alone.

Two objectives, each kept in 99.9 % of the seconds in which a session is open: *freshness*, the view
was judged lately and no partition is unknown; *delivery*, an Alertmanager accepted a push lately.
A second counts as bad when Prometheus sees the age above `SEEN_SECONDS`: 5 s of age, and two
scrapes, of which one may fail.

Rates are samples that were bad over samples of the window, over the budget. A session is shorter
than a day, so a window of days counts by the hours in session, six at least; a shorter one is taken
whole, or the first bad second after the open would be a rate beyond every bound. In a month of 21
sessions of 6.5 h the budget is 491 s; 14.4 times the rate is 52 s within an hour, 6 times is 130 s
within six hours, once is a thousandth of the hours in session of three days.
"""

from services.health_rules import EVALUATION_SECONDS, Alert, Group, Record, Severity

OBJECTIVE = 0.999
SEEN_SECONDS = {"freshness": 15, "delivery": 20}
"""Pushes are 5 s apart, hence the difference."""

_HOUR = 3_600
WINDOWS = {"5m": 300, "30m": 1_800, "1h": _HOUR, "6h": 6 * _HOUR, "3d": 72 * _HOUR}
_LONGEST_WHOLE = 6 * _HOUR
BURNS: tuple[tuple[float, str, str, Severity], ...] = (
    (14.4, "1h", "5m", "page"),
    (6.0, "6h", "30m", "page"),
    (1.0, "3d", "6h", "ticket"),
)
"""Times the budget's rate, over a long and a short window, and who is told."""

_MEANS = {
    "freshness": "the view was old, or partitions were unknown",
    "delivery": "no Alertmanager accepted a push",
}
_OPEN = "forcedflow:market_session_open:max"
_BAD = {
    "freshness": f"(forcedflow:evaluation_age_seconds:min > bool {SEEN_SECONDS['freshness']})"
    " + on() ((forcedflow:partitions_unknown:max > bool 0) or on() vector(0)) > bool 0",
    "delivery": f"forcedflow:push_age_seconds:min > bool {SEEN_SECONDS['delivery']}",
}


def bad_seconds(objective: str) -> Record:
    """Return the record that is 1 where a session is open and the objective is missed."""
    return Record(
        f"forcedflow:{objective}_bad:bool",
        f"({_BAD[objective]}) * on() {_OPEN}",
        f"1 where a session is open and {_MEANS[objective]}, else 0.",
    )


def burn_rate(objective: str, window: str) -> Record:
    """Return the record of how many times faster than allowed the budget burnt in a window."""
    bad = f"sum_over_time(forcedflow:{objective}_bad:bool[{window}])"
    whole = min(WINDOWS[window], _LONGEST_WHOLE) // EVALUATION_SECONDS
    counted = f"clamp_min(sum_over_time({_OPEN}[{window}]), {whole})"
    return Record(
        f"forcedflow:{objective}_burn:rate{window}",
        f"{bad} / on() {counted} / {1 - OBJECTIVE:.4g}",
        f"Times the allowed rate at which {_MEANS[objective]} in session, over {window}.",
    )


def burn_alert(objective: str, *, times: float, long: str, short: str, severity: Severity) -> Alert:
    """Return the alert on a budget that burns too fast over both windows."""
    rate = f"forcedflow:{objective}_burn:rate"
    return Alert(
        f"ForcedFlow{objective.capitalize()}BudgetBurn",
        severity,
        f"{rate}{long} > {times:g} and on() {rate}{short} > {times:g}",
        f"The {objective} budget burns {{{{ $value | humanize }}}} times too fast over {long}.",
        f"In session {_MEANS[objective]} for more than the objective of {OBJECTIVE:.1%} allows; "
        "what is wrong now has an alert of its own.",
        labels={"window": long},
    )


def _budget(objective: str) -> tuple[Record | Alert, ...]:
    return (
        bad_seconds(objective),
        *(burn_rate(objective, window) for window in WINDOWS),
        *(
            burn_alert(objective, times=times, long=long, short=short, severity=severity)
            for times, long, short, severity in BURNS
        ),
    )


BUDGETS = tuple(Group(f"forcedflow-{objective}-budget", _budget(objective)) for objective in _BAD)
