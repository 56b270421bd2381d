"""How far the market has come, as the workers' partials in Redis have it."""

import redis

from core.universe import Universe
from streams.fencing import partial_key
from streams.partials import decode_partial
from streams.topics import PARTITIONS


def market_ns(store: redis.Redis, universe: Universe) -> int:
    """Return the smallest of the partitions' market times, 0 while one of them has none."""
    with store.pipeline(transaction=False) as pipeline:
        for partition in range(PARTITIONS):
            pipeline.hget(partial_key(partition), "content")
        contents = pipeline.execute()
    times = []
    for partition, content in enumerate(contents):
        if content is None:
            return 0
        partial = decode_partial(content, universe=universe.version, partition=partition)
        if len(partial.market_ns):
            times.append(int(partial.market_ns.max()))
    return min(times, default=0)
