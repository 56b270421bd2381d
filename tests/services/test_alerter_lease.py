"""The lease on a real Redis: one holder, counters that only grow, writes only by the holder."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.alerter_lease import LEASE_KEY, LEASE_SECONDS, Lease
from services.embedded_redis import EmbeddedRedis
from services.store_errors import LeaseLostError, StoreError
from services.view_store import connect

HOUR_MS = 3_600_000
LEASE_MS = round(1000 * LEASE_SECONDS)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


async def taken(client: Redis, holder: str) -> Lease:
    lease = Lease(client, holder)
    assert await lease.claim()
    return lease


async def run_out(client: Redis) -> None:
    await client.hset(LEASE_KEY, "until_ms", 0)


async def next_ms(client: Redis) -> None:
    started_ms = await redis_ms(client)
    while await redis_ms(client) == started_ms:
        pass


async def until_ms(client: Redis) -> int:
    return int(await client.hget(LEASE_KEY, "until_ms") or 0)


async def redis_ms(client: Redis) -> int:
    seconds, micros = await client.time()
    return int(seconds) * 1000 + int(micros) // 1000


async def test_the_first_gets_it_and_the_second_does_not(client: Redis) -> None:
    one, two = Lease(client, "one"), Lease(client, "two")
    before_ms = await redis_ms(client)
    assert await one.claim()
    granted_ms = await until_ms(client) - LEASE_MS
    assert before_ms <= granted_ms <= await redis_ms(client)
    assert not await two.claim()

    status = await two.look()
    assert (status.holder, status.counter) == ("one", one.counter)
    passed_ms = LEASE_MS - 1000 * status.remaining_seconds
    assert 0 <= passed_ms <= await redis_ms(client) - granted_ms


async def test_of_many_that_claim_at_once_one_gets_it(client: Redis) -> None:
    leases = [Lease(client, str(number)) for number in range(20)]
    answers = await asyncio.gather(*(lease.claim() for lease in leases))

    assert sum(answers) == 1


async def test_where_nobody_had_it_there_is_no_counter(client: Redis) -> None:
    status = await Lease(client, "one").look()

    assert (status.counter, status.holder, status.remaining_seconds) == (0, "", 0.0)


async def test_a_counter_is_redis_time_and_grows_with_every_holder(client: Redis) -> None:
    before_ms = await redis_ms(client)
    one = await taken(client, "one")
    assert before_ms <= one.counter <= await redis_ms(client)

    await client.hset(LEASE_KEY, "counter", before_ms + HOUR_MS)
    await run_out(client)
    two = await taken(client, "two")
    assert two.counter == before_ms + HOUR_MS + 1


async def test_a_counter_does_not_go_back_when_redis_is_wiped(client: Redis) -> None:
    one = await taken(client, "one")
    await client.flushall()
    await next_ms(client)
    two = await taken(client, "two")

    assert two.counter > one.counter


async def test_a_write_renews_it(client: Redis) -> None:
    one = await taken(client, "one")
    before_ms = await redis_ms(client)
    await client.hset(LEASE_KEY, "until_ms", before_ms + 100)
    await one.write({"forcedflow:view": b"{}"})

    assert before_ms <= await until_ms(client) - LEASE_MS <= await redis_ms(client)
    assert await client.get("forcedflow:view") == b"{}"


async def test_who_was_replaced_writes_nothing_and_changes_nothing(client: Redis) -> None:
    one = await taken(client, "one")
    await run_out(client)
    two = await taken(client, "two")
    before = await client.hgetall(LEASE_KEY)
    with pytest.raises(LeaseLostError, match=f"expected counter {one.counter}"):
        await one.write({"forcedflow:view": b"of a zombie"})
    with pytest.raises(LeaseLostError):
        await one.renew()
    await one.release()

    assert await client.get("forcedflow:view") is None
    assert await client.hgetall(LEASE_KEY) == before
    await two.write({"forcedflow:view": b"of the holder"})


async def test_who_was_late_but_not_replaced_goes_on(client: Redis) -> None:
    one = await taken(client, "one")
    await run_out(client)
    await one.renew()

    assert not await Lease(client, "two").claim()


async def test_a_holder_that_lives_has_its_lease_again_after_redis_lost_it(client: Redis) -> None:
    one = await taken(client, "one")
    await client.flushall()
    await one.write({"forcedflow:alerts": b"from memory"})

    status = await one.look()
    assert (status.holder, status.counter) == ("one", one.counter)
    assert await client.get("forcedflow:alerts") == b"from memory"


async def test_after_a_cut_back_to_an_earlier_holder_the_newer_one_goes_on(client: Redis) -> None:
    one = await taken(client, "one")
    await run_out(client)
    two = await taken(client, "two")
    await client.hset(LEASE_KEY, mapping={"counter": one.counter, "holder": "one"})
    await two.renew()

    with pytest.raises(LeaseLostError):
        await one.renew()


async def test_another_that_got_the_wiped_lease_first_keeps_it(client: Redis) -> None:
    one = await taken(client, "one")
    await client.flushall()
    await taken(client, "two")
    # Even if both were granted within the same millisecond.
    await client.hset(LEASE_KEY, "counter", one.counter)

    with pytest.raises(LeaseLostError):
        await one.write({"forcedflow:alerts": b"from memory"})


async def test_a_released_lease_is_free_at_once_and_keeps_its_counter(client: Redis) -> None:
    one = await taken(client, "one")
    await one.release()

    assert (await one.look()).counter == one.counter
    assert (await taken(client, "two")).counter > one.counter


async def test_a_lease_from_a_clock_that_was_set_back_since_does_not_last(client: Redis) -> None:
    await taken(client, "one")
    await client.hset(LEASE_KEY, "until_ms", await redis_ms(client) + HOUR_MS)

    assert (await Lease(client, "two").look()).remaining_seconds == 0.0
    assert await Lease(client, "two").claim()


async def test_it_runs_out_by_the_clock_of_redis(client: Redis) -> None:
    await taken(client, "one")
    two, over_ms, refused = Lease(client, "two"), await until_ms(client), 0
    asked_ms = await redis_ms(client)
    while not await two.claim():
        # Had it run out before it was asked for, it would have been granted.
        assert asked_ms <= over_ms
        refused += 1
        await asyncio.sleep(0.02)
        asked_ms = await redis_ms(client)

    assert refused > 0
    assert await redis_ms(client) >= over_ms


async def test_a_full_redis_grants_nothing_and_writes_nothing(own_redis: EmbeddedRedis) -> None:
    client = connect(own_redis.url)
    one = await taken(client, "one")
    await client.config_set("maxmemory", "1kb")
    with pytest.raises(StoreError, match="writing forcedflow:view"):
        await one.write({"forcedflow:view": b"{}"})

    await client.config_set("maxmemory", "0")
    assert await client.get("forcedflow:view") is None
    await one.renew()
    await client.aclose()


async def test_a_redis_that_is_away_is_said(own_redis: EmbeddedRedis) -> None:
    client = connect(own_redis.url)
    one = await taken(client, "one")
    own_redis.kill()
    for question in (one.look, one.claim, one.renew, one.release):
        with pytest.raises(StoreError, match="forcedflow:alerter"):
            await question()
    await client.aclose()
