"""Partitions in Redis: who may write them, their snapshots, and the partials they are read by.

Every owner takes a token greater than all before it. The scripts run inside Redis, so that a
worker that was replaced while it slept cannot write between a check and a write.
"""

from collections.abc import Callable, Mapping, Sequence
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
return redis.call('HGETALL', KEYS[1])
"""
"""KEYS: the partition's hash. Sets a new token, max(stored + 1, Redis time in ms), and returns the
whole hash: what an owner before has saved, and from now on nobody else can save."""

SAVE = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'token') or '0')
local mine = tonumber(ARGV[1])
if mine < stored then return 'refused' end
local saves = redis.call('HGET', KEYS[1], 'saves') or '0'
if ARGV[2] ~= '' and ARGV[2] ~= saves then return 'empty' end
-- First of all writes, for a Redis that is full refuses it only before anything is changed.
redis.call('HSET', KEYS[1], 'token', ARGV[1])
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) end
local count = tonumber(ARGV[4])
for i = 5, 4 + count do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = 5 + count, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'saves', ARGV[3])
return 'saved'
"""
"""KEYS: the partition's hash; ARGV: token, the number that the save before set ('' for a save of
everything), the number this one sets, how many fields to remove, these, then fields and values.
Returns 'refused' where the token is older than the stored one, and 'empty' where the hash is not as
the save before has left it: Redis has lost it, or some of it, so that everything is due again."""

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


def positioning_key(partition: int) -> str:
    """Return the key of the positioning of a partition's options, written as its partial is."""
    return f"{partition_key(partition)}:positioning"


@dataclass(frozen=True)
class StoredPartial:
    """A partial as it lies in Redis; ``age_seconds`` by Redis' clock."""

    token: int
    age_seconds: float
    content: bytes


@dataclass(frozen=True)
class Acquired:
    """A partition that was taken over: the new token and the fields of its hash."""

    token: int
    fields: Mapping[str, bytes]


class PartitionStore:
    """Tokens, snapshots and partials; every method raises `redis.RedisError` as it comes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._acquire = redis.register_script(ACQUIRE)
        self._publish = redis.register_script(PUBLISH)
        self._save = redis.register_script(SAVE)

    async def acquire(self, partitions: Sequence[int]) -> dict[int, Acquired]:
        """Take the tokens of some partitions; whoever had them is refused from here on."""
        acquired = {}
        for partition in partitions:
            flat = await self._acquire(keys=[partition_key(partition)])
            fields = dict(zip((name.decode() for name in flat[::2]), flat[1::2], strict=True))
            acquired[partition] = Acquired(int(fields.pop("token")), fields)
        return acquired

    async def tokens(self, partitions: Sequence[int]) -> dict[int, int]:
        """Return the tokens of the owners of some partitions, 0 where Redis knows of none."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition in partitions:
                pipeline.hget(partition_key(partition), "token")
            found = await pipeline.execute()
        return {
            partition: int(token or 0) for partition, token in zip(partitions, found, strict=True)
        }

    async def save(
        self,
        partition: int,
        token: int,
        *,
        number: int,
        after: int | None,
        fields: Mapping[str, bytes],
        removed: Sequence[str] = (),
    ) -> str:
        """Write fields of a snapshot, all or none; return saved, refused or empty, see `SAVE`.

        Parameters
        ----------
        number : int          of this save, one that no save has had before
        after : int | None    that of the save before, None for a save of everything
        """
        pairs = [word for pair in fields.items() for word in pair]
        answer = await self._save(
            keys=[partition_key(partition)],
            args=[token, "" if after is None else after, number, len(removed), *removed, *pairs],
        )
        return str(answer.decode())

    async def publish(
        self,
        contents: Mapping[int, tuple[int, bytes]],
        *,
        key: Callable[[int], str] = partial_key,
    ) -> dict[int, bool]:
        """Write partials, or what else an owner says, in one round trip.

        Parameters
        ----------
        contents : mapping    partition -> (token, encoded partial)
        key : callable        partition -> where it is written

        Returns
        -------
        dict    partition -> whether its token was accepted
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition, (token, content) in contents.items():
                await self._publish(
                    keys=[partition_key(partition), key(partition)],
                    args=[token, content],
                    client=pipeline,
                )
            answers = await pipeline.execute()
        return {partition: answer == 1 for partition, answer in zip(contents, answers, strict=True)}

    async def read(
        self, partitions: Sequence[int], *, key: Callable[[int], str] = partial_key
    ) -> dict[int, StoredPartial | None]:
        """Read what `publish` has written of some partitions, None where there is none."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition in partitions:
                pipeline.hmget(key(partition), ["token", "time_ms", "content"])
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
