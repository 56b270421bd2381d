import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
from redis.asyncio import Redis

from streams.fencing import PartitionStore, StoredPartial, partial_key, partition_key


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def store(client: Redis) -> PartitionStore:
    return PartitionStore(client)


async def test_a_token_is_redis_time_and_greater_than_all_before(
    store: PartitionStore, client: Redis
) -> None:
    seconds, micros = await client.time()

    tokens = [(await store.acquire([3]))[3] for _ in range(5)]

    assert tokens == sorted(set(tokens))
    assert 0 <= tokens[0] - (seconds * 1000 + micros // 1000) < 10_000
    assert await client.hget(partition_key(3), "token") == str(tokens[-1]).encode()


async def test_a_token_beyond_redis_time_is_topped_by_one(
    store: PartitionStore, client: Redis
) -> None:
    ahead = 4_000_000_000_000
    await client.hset(partition_key(3), "token", str(ahead))

    assert await store.acquire([3]) == {3: ahead + 1}


async def test_a_partial_written_with_the_token_is_read_with_its_age(
    store: PartitionStore,
) -> None:
    tokens = await store.acquire([3, 4])

    accepted = await store.publish({3: (tokens[3], b"three"), 4: (tokens[4], b"four")})

    assert accepted == {3: True, 4: True}
    read = await store.read([3, 4, 5])
    assert read[5] is None
    assert isinstance(read[3], StoredPartial)
    assert (read[3].token, read[3].content) == (tokens[3], b"three")
    assert 0 <= read[3].age_seconds < 5


async def test_a_replaced_token_writes_nothing(store: PartitionStore) -> None:
    old = await store.acquire([3])
    new = await store.acquire([3])
    await store.publish({3: (new[3], b"new")})

    accepted = await store.publish({3: (old[3], b"old")})

    assert accepted == {3: False}
    stored = (await store.read([3]))[3]
    assert stored is not None
    assert stored.content == b"new"


async def test_after_redis_lost_everything_the_newest_owner_wins(
    store: PartitionStore, client: Redis
) -> None:
    old, new = await store.acquire([3]), await store.acquire([3])
    await client.flushall()

    answers = [await store.publish({3: (token, b"content")}) for token in (old[3], new[3], old[3])]

    assert answers == [{3: True}, {3: True}, {3: False}]
    assert await store.acquire([3]) != new


async def test_many_owners_at_once_get_different_tokens(store: PartitionStore) -> None:
    taken = await asyncio.gather(*(store.acquire([3]) for _ in range(20)))

    assert len({tokens[3] for tokens in taken}) == 20


def test_the_braces_of_the_keys_are_literal() -> None:
    assert partition_key(3) == "forcedflow:{3}"
    assert partial_key(3) == "forcedflow:{3}:partial"


async def test_an_unreachable_redis_is_an_error() -> None:
    client = Redis.from_url("redis://127.0.0.1:1/0")

    with pytest.raises(redis.RedisError):
        await PartitionStore(client).acquire([0])

    await client.aclose()
