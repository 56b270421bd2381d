"""Recording rules: how the service is, in figures that alerts and dashboards share.

Each looks back over a few scrapes (`last_over_time`), so that one that failed changes nothing. What
an alerter showed of itself stays visible after its end, so that age grows instead of vanishing.
"""

from services.health_rules import Group, Record

_BOUNDED = '{calendar!~"24/7.*"}'
"""Calendars that also close: one that is always open would make every night a session."""
GATE = Record(
    "forcedflow:market_session_open:max",
    " or ".join(
        f"max(last_over_time(forcedflow_market_session_open{calendars}[{window}]))"
        for calendars in (_BOUNDED, "")
        for window in ("1m", "1h")
    ),
    "1 while any session is open, of a calendar that also closes where there is one; an hour "
    "after the last alerter has gone, nothing.",
)
STATE = Group(
    "forcedflow-state",
    (
        GATE,
        Record(
            "forcedflow:alerters_active:sum",
            "sum(last_over_time(forcedflow_alerter_active[15s])) or vector(0)",
            "Alerters that hold the lease: 1 where all is well.",
        ),
        Record(
            "forcedflow:evaluation_age_seconds:min",
            "time() - max(last_over_time(forcedflow_last_evaluation_timestamp_seconds[1h]))",
            "Host time since the last evaluation whose ledger was written, as scraped.",
        ),
        Record(
            "forcedflow:push_age_seconds:min",
            "time() - max(last_over_time(forcedflow_last_push_timestamp_seconds[1h]))",
            "Host time since any Alertmanager accepted a push, as scraped.",
        ),
        Record(
            "forcedflow:partitions_unknown:max",
            "max(last_over_time(forcedflow_partitions_unknown[30s]))",
            "Partitions whose partial is missing or too old.",
        ),
        Record(
            "forcedflow:references_unknown:ratio",
            "sum(last_over_time(forcedflow_references_unknown[30s]))"
            " / sum(last_over_time(forcedflow_references_in_session[30s]))",
            "Share of the references in session whose row is unknown.",
        ),
        Record(
            "forcedflow:references_breaching:count",
            "count(abs(last_over_time(forcedflow_forced_flow_usd[15s]))"
            " >= last_over_time(forcedflow_breach_threshold_usd[15s])) or vector(0)",
            "References whose forced flow is at or above the first rule's warning level.",
        ),
    ),
)
