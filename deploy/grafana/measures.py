"""The expressions that panels share; names of metrics are those of the service's catalogue."""

WORKER, GATEWAY, ALERTER = "forcedflow-worker", "forcedflow-gateway", "forcedflow-alerter"
"""Jobs, as the targets of Prometheus are labelled."""
TOP = 10
LONG_TABLE = 25


def of_symbols(column: str) -> str:
    """Return a column of the projection for the references chosen, one series each.

    Only the active alerter has them; `max` holds where another has just taken over.
    """
    return f'max by (symbol) (forcedflow_{column}{{symbol=~"$symbol"}})'


def in_focus(column: str) -> str:
    """Return a column of the projection for the reference in focus."""
    return f'max by (symbol) (forcedflow_{column}{{symbol="$focus"}})'


def largest(column: str, by: str, *, count: int = LONG_TABLE) -> str:
    """Return a column for those of the references chosen whose column `by` is the largest now."""
    return f"{of_symbols(column)} and on (symbol) topk({count}, abs({of_symbols(by)}))"


def leading(column: str) -> str:
    """Return a column over time for the references that lead at the end of the time range.

    The same references all along: `topk` alone would choose others at each step.
    """
    ends = 'last_over_time(forcedflow_forced_flow_usd{symbol=~"$symbol"}[$__range] @ end())'
    return f"{of_symbols(column)} and on (symbol) topk({TOP}, abs(max by (symbol) ({ends})))"


def by_room(symbols: str, how: str = "sum") -> str:
    """Return an expression by symbol, aggregated over the members of each room chosen."""
    members = 'max by (room, symbol) (forcedflow_room_member_info{room=~"$room"})'
    return f"{how} by (room) ({members} * on (symbol) group_left () ({symbols}))"


def all_of(column: str) -> str:
    """Return a column of the projection for every reference, one series each."""
    return f"max by (symbol) (forcedflow_{column})"


def quantile(share: float, histogram: str, by: str = "") -> str:
    """Return a quantile of a histogram over the last scrapes; nothing where nothing was counted."""
    labels = f"le, {by}" if by else "le"
    rates = f"sum by ({labels}) (rate({histogram}_bucket[$__rate_interval]))"
    return f"histogram_quantile({share:g}, {rates}) >= 0"


def events_per_second(counter: str, by: str) -> str:
    """Return how fast a counter grows, for each value of a label."""
    return f"sum by ({by}) (rate({counter}_total[$__rate_interval]))"


def happened(counter: str, by: str, job: str) -> str:
    """Return how often something happened of late, by a label.

    A series begins when it happens first: before that it is 0 if a process of `job` answers.
    """
    return (
        f"sum by ({by}) (increase({counter}_total[$__rate_interval]))"
        f' or 0 * max(up{{job="{job}"}} == 1)'
    )
