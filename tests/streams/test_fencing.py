import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from redis.asyncio import Redis

from streams.fencing import Acquired, PartitionStore, StoredPartial, partial_key, partition_key


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

    tokens = [(await store.acquire([3]))[3].token for _ in range(5)]

    assert tokens == sorted(set(tokens))
    assert 0 <= tokens[0] - (seconds * 1000 + micros // 1000) < 10_000
    assert await client.hget(partition_key(3), "token") == str(tokens[-1]).encode()


async def test_a_token_beyond_redis_time_is_topped_by_one(
    store: PartitionStore, client: Redis
) -> None:
    ahead = 4_000_000_000_000
    await client.hset(partition_key(3), "token", str(ahead))

    assert await store.acquire([3]) == {3: Acquired(ahead + 1, {})}


async def test_a_partial_written_with_the_token_is_read_with_its_age(
    store: PartitionStore,
) -> None:
    tokens = {number: one.token for number, one in (await store.acquire([3, 4])).items()}

    accepted = await store.publish({3: (tokens[3], b"three"), 4: (tokens[4], b"four")})

    assert accepted == {3: True, 4: True}
    read = await store.read([3, 4, 5])
    assert read[5] is None
    assert isinstance(read[3], StoredPartial)
    assert (read[3].token, read[3].content) == (tokens[3], b"three")
    assert 0 <= read[3].age_seconds < 5


async def test_a_replaced_token_writes_nothing(store: PartitionStore) -> None:
    old = (await store.acquire([3]))[3].token
    new = (await store.acquire([3]))[3].token
    await store.publish({3: (new, b"new")})

    accepted = await store.publish({3: (old, b"old")})

    assert accepted == {3: False}
    stored = (await store.read([3]))[3]
    assert stored is not None
    assert stored.content == b"new"


async def test_after_redis_lost_everything_the_newest_owner_wins(
    store: PartitionStore, client: Redis
) -> None:
    old, new = [(await store.acquire([3]))[3].token for _ in range(2)]
    await client.flushall()

    answers = [await store.publish({3: (token, b"content")}) for token in (old, new, old)]

    assert answers == [{3: True}, {3: True}, {3: False}]
    assert (await store.acquire([3]))[3].token > new


async def test_many_owners_at_once_get_different_tokens(store: PartitionStore) -> None:
    taken = await asyncio.gather(*(store.acquire([3]) for _ in range(20)))

    assert len({acquired[3].token for acquired in taken}) == 20


class Owner:
    """An owner of partition 3 that saves one save after the other."""

    def __init__(self, store: PartitionStore, acquired: Acquired) -> None:
        self._store = store
        self._number = self.token = acquired.token
        self._after: int | None = None

    async def save(self, *removed: str, whole: bool = False, **fields: bytes) -> str:
        self._number += 1
        answer = await self._store.save(
            3,
            self.token,
            number=self._number,
            after=None if whole else self._after,
            fields=fields,
            removed=removed,
        )
        if answer == "saved":
            self._after = self._number
        return answer


async def test_what_was_saved_is_handed_to_the_next_owner(store: PartitionStore) -> None:
    owner = Owner(store, (await store.acquire([3]))[3])

    answers = [await owner.save(one=b"1", two=b"2"), await owner.save("two", one=b"3", four=b"4")]

    found = (await store.acquire([3]))[3]
    assert answers == ["saved", "saved"]
    assert {name: found.fields[name] for name in found.fields if name != "saves"} == {
        "one": b"3",
        "four": b"4",
    }
    assert found.token > owner.token


async def test_a_save_of_everything_leaves_nothing_else(store: PartitionStore) -> None:
    owner = Owner(store, (await store.acquire([3]))[3])
    await owner.save(one=b"1", two=b"2")

    assert await owner.save(whole=True, one=b"3") == "saved"
    assert (await store.acquire([3]))[3].fields.keys() == {"one", "saves"}


async def test_an_owner_that_was_replaced_saves_nothing(store: PartitionStore) -> None:
    old = Owner(store, (await store.acquire([3]))[3])
    await old.save(one=b"1")
    new = Owner(store, (await store.acquire([3]))[3])
    await new.save(one=b"2")

    assert await old.save(one=b"3") == "refused"
    assert await old.save(whole=True, one=b"3") == "refused"
    assert (await store.acquire([3]))[3].fields["one"] == b"2"


@pytest.mark.parametrize("is_wiped", [True, False])
async def test_a_redis_that_lost_the_save_before_wants_everything(
    *, is_wiped: bool, store: PartitionStore, client: Redis
) -> None:
    owner = Owner(store, (await store.acquire([3]))[3])
    await owner.save(one=b"1", two=b"2")
    before: dict[Any, Any] = await client.hgetall(partition_key(3))
    await owner.save(two=b"3")
    await client.flushall()
    if not is_wiped:
        # What an append-only file that lacks its last second brings back.
        await client.hset(partition_key(3), mapping=before)

    assert await owner.save(one=b"4") == "empty"
    assert await owner.save(whole=True, one=b"4", two=b"3") == "saved"
    assert await owner.save(one=b"5") == "saved"


def test_the_braces_of_the_keys_are_literal() -> None:
    assert partition_key(3) == "forcedflow:{3}"
    assert partial_key(3) == "forcedflow:{3}:partial"


async def test_an_unreachable_redis_is_an_error() -> None:
    client = Redis.from_url("redis://127.0.0.1:1/0")

    with pytest.raises(redis.RedisError):
        await PartitionStore(client).acquire([0])

    await client.aclose()
