"""Partitions in Redis: who may write them, and the partials they are read by.

Every owner takes a token greater than all before it. The scripts run inside Redis, so that a
worker that was replaced while it slept cannot write between a check and a write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

STALE_SECONDS = 3.0
"""A partial that is older by Redis' clock is unknown."""

ACQUIRE = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'token') or '0')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local token = string.format('%.0f', math.max(stored + 1, now_ms))
redis.call('HSET', KEYS[1], 'token', token)
return token
"""
"""KEYS: the partition's hash. Returns the new token, max(stored + 1, Redis time in ms)."""

PUBLISH = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'token') or '0')
local mine = tonumber(ARGV[1])
if mine < stored then return 0 end
if mine > stored then redis.call('HSET', KEYS[1], 'token', ARGV[1]) end
local time = redis.call('TIME')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[2], 'token', ARGV[1], 'time_ms', now_ms, 'content', ARGV[2])
return 1
"""
"""KEYS: the partition's hash and its partial; ARGV: token, content. Returns 0 where the token is
older than the stored one. A token newer than the stored one means that Redis lost what it had:
it is stored again, and of two owners that both do so the newer still wins."""


def partition_key(partition: int) -> str:
    """Return the key of a partition's hash; the braces keep all its keys on one cluster node."""
    return f"forcedflow:{{{partition}}}"


def partial_key(partition: int) -> str:
    """Return the key of a partition's partial."""
    return f"{partition_key(partition)}:partial"


@dataclass(frozen=True)
class StoredPartial:
    """A partial as it lies in Redis; ``age_seconds`` by Redis' clock."""

    token: int
    age_seconds: float
    content: bytes


class PartitionStore:
    """Tokens and partials of partitions; every method raises `redis.RedisError` as it comes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._acquire = redis.register_script(ACQUIRE)
        self._publish = redis.register_script(PUBLISH)

    async def acquire(self, partitions: Sequence[int]) -> dict[int, int]:
        """Take the tokens of some partitions; whoever had them is refused from here on."""
        tokens = [
            int(await self._acquire(keys=[partition_key(partition)])) for partition in partitions
        ]
        return dict(zip(partitions, tokens, strict=True))

    async def publish(self, contents: Mapping[int, tuple[int, bytes]]) -> dict[int, bool]:
        """Write partials in one round trip.

        Parameters
        ----------
        contents : mapping    partition -> (token, encoded partial)

        Returns
        -------
        dict    partition -> whether its token was accepted
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition, (token, content) in contents.items():
                await self._publish(
                    keys=[partition_key(partition), partial_key(partition)],
                    args=[token, content],
                    client=pipeline,
                )
            answers = await pipeline.execute()
        return {partition: answer == 1 for partition, answer in zip(contents, answers, strict=True)}

    async def read(self, partitions: Sequence[int]) -> dict[int, StoredPartial | None]:
        """Read the partials of some partitions in one round trip, None where there is none."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition in partitions:
                pipeline.hmget(partial_key(partition), ["token", "time_ms", "content"])
            # Asked last, so that no age is negative.
            pipeline.time()
            *rows, (seconds, micros) = await pipeline.execute()
        now_ms = seconds * 1000 + micros // 1000
        return {
            partition: None
            if row[2] is None
            else StoredPartial(int(row[0]), (now_ms - int(row[1])) / 1000, row[2])
            for partition, row in zip(partitions, rows, strict=True)
        }
