"""How far the market has come, as the workers' partials in Redis have it."""

import redis

from streams.fencing import partial_key
from streams.partials import market_times
from streams.topics import PARTITIONS


def market_ns(store: redis.Redis) -> int:
    """Return the smallest of the partitions' market times, 0 while one of them has none.

    ns UTC; all that was to be sent before it has been sent to every partition.
    """
    with store.pipeline(transaction=False) as pipeline:
        for partition in range(PARTITIONS):
            pipeline.hget(partial_key(partition), "content")
        contents = pipeline.execute()
    if None in contents:
        return 0
    times = [market_times(content) for content in contents]
    return min((int(rows.max()) for rows in times if len(rows)), default=0)
