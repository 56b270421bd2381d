"""The bundled market as the stack's gateway plays it: it goes on where the workers stand."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import redis

from core.sessions import NANOS_PER_SECOND
from services.market_progress import market_ns
from services.scenario import DEFAULT_DAY, WEEK
from services.stack_layout import Layout
from services.stack_programs import gateway_command

SPEED = 60
"""Event time over host time: a session's last two hours in two minutes."""
DAYS = DEFAULT_DAY, WEEK[1]
"""First and last day of the market: the rout and what follows it, more than an hour."""
_START = datetime.combine(DEFAULT_DAY, time(14), ZoneInfo("America/New_York"))
START_NS = round(_START.timestamp()) * NANOS_PER_SECOND
"""Event time at which the play begins, on the day of the rout; what is earlier is sent at once."""


def play_command(layout: Layout) -> tuple[str, ...]:
    """Return the gateway's command; started again it does not begin anew.

    Raises
    ------
    redis.RedisError
        If Redis does not answer how far the market has come.
    """
    with redis.Redis.from_url(layout.redis_url) as store:
        reached_ns = market_ns(store)
    prices = ("--prices", str(layout.market / "prices.jsonl"))
    flows = ("--flows", str(layout.market / "etf-flows.jsonl"))
    interest = ("--open-interest", str(layout.market / "open-interest.jsonl"))
    # A market time that every partition has reached says that all before it was sent.
    is_resumed = reached_ns > START_NS
    where = ("--from", _text(reached_ns)) if is_resumed else ("--start-at", _text(START_NS))
    return gateway_command(layout, *prices, *flows, *interest, "--speed", str(SPEED), *where)


def _text(event_ns: int) -> str:
    return datetime.fromtimestamp(event_ns // NANOS_PER_SECOND, UTC).isoformat()
