"""Open interest as lines of a socket, between prices and creations."""

import json
from contextlib import closing
from pathlib import Path

from services.event_fields import OPEN_INTEREST_FIELDS
from services.gateway_upstreams import FollowedFile
from services.gateway_voice import SILENCE_SECONDS
from services.live_feeds import JsonFeed
from streams.topics import DEAD_LETTERS, FLOWS, OPEN_INTEREST, PRICES, partition_of
from tests.support.core_universe import at
from tests.support.live_relay import RULES, SECOND, RelayWorld, price

LEVEL = json.dumps(
    {
        "underlying": "ACME",
        "expiry": "2024-11-15",
        "strike": 100,
        "right": "put",
        "open_interest": 7,
        "implied_volatility": 0.3,
        "event_time": at(1, 0),
        "effective_at": "2024-10-05",
        "source": "levels",
    }
)


def levels_sent(world: RelayWorld) -> list[dict[str, object]]:
    sent = [each.json() for each in world.producer.on(OPEN_INTEREST, partition_of("ACME"))]
    return [each for each in sent if "heartbeat" not in each]


def test_a_socket_takes_open_interest_between_prices_and_creations() -> None:
    world = RelayWorld(1)
    creation = f'{{"fund": "ACMU", "event_time": {at(1, 1)}, "net_creation_usd": 5}}\n'

    world.say(price(at(1, 1)) + f"{LEVEL}\n{creation}{LEVEL}\n".encode() + price(at(1, 1)))
    world.pass_seconds(2)

    assert [each["open_interest"] for each in levels_sent(world)] == [7.0, 7.0]
    assert [each["right"] for each in levels_sent(world)] == ["put", "put"]
    of_acme = partition_of("ACME")
    for topic, field, count in ((PRICES, "price", 2), (FLOWS, "net_creation_usd", 1)):
        sent = [each.json() for each in world.producer.on(topic, of_acme)]
        assert len([each for each in sent if field in each]) == count
    beats = [each.json() for each in world.producer.on(OPEN_INTEREST, 0)]
    assert {each["heartbeat"] for each in beats} == {"levels"}
    assert world.producer.on(DEAD_LETTERS, 0) == []


def level_at(event_ns: int) -> bytes:
    return f"{json.dumps(json.loads(LEVEL) | {'event_time': event_ns})}\n".encode()


def test_a_level_promises_nothing_of_prices_that_are_delayed() -> None:
    world = RelayWorld(1, lag_seconds=30)

    world.say(level_at(at(1, 1)))
    world.pass_seconds(2)
    world.tick_price()
    world.say(level_at(world.clock.now_ns()))
    world.pass_seconds(2)

    # Half a second of lateness: what is late may still come.
    assert world.beats() == [at(1, 1) + second * SECOND for second in (-29, -28, -27)]
    levels = world.beats(topic=OPEN_INTEREST)
    assert (levels[0], levels[-1]) == (at(1, 1) - SECOND, at(1, 1) + 3 * SECOND)
    assert world.outlet.counts.heartbeats == 3
    assert world.outlet.beat_ns == at(1, 1) - 27 * SECOND


def test_levels_are_no_sign_that_prices_are_still_there() -> None:
    world = RelayWorld(1)

    world.tick_price()
    for _ in range(10):
        world.say(level_at(world.clock.now_ns()))
        world.pass_seconds(5)

    assert world.beats()[-1] <= at(1, 1) + SILENCE_SECONDS * SECOND
    assert world.beats(topic=OPEN_INTEREST)[-1] > at(1, 1) + 45 * SECOND


def test_levels_alone_are_no_heartbeats_that_are_waited_for() -> None:
    world = RelayWorld(1)

    world.say(level_at(at(1, 1)))
    world.pass_seconds(2)

    assert world.beats(topic=OPEN_INTEREST) != []
    assert world.outlet.counts.heartbeats == 0
    assert world.outlet.beat_ns == world.beats(topic=OPEN_INTEREST)[-1]


def test_prices_go_on_while_a_file_of_levels_is_made_anew(tmp_path: Path) -> None:
    world, path = RelayWorld(1), tmp_path / "oi.jsonl"
    path.write_bytes(level_at(at(1, 1)))
    file = FollowedFile(path, world.relay, lambda: RULES, fields=OPEN_INTEREST_FIELDS, columns=())
    with closing(file):
        file.read()
        path.unlink()
        while file.read():
            pass
        world.tick_price()
        world.pass_seconds(2)

        assert world.beats()[-1] == at(1, 1) + SECOND
        assert world.beats(topic=OPEN_INTEREST) == []


def test_a_bad_level_of_a_socket_is_a_dead_letter() -> None:
    world = RelayWorld(1)
    bad = [
        LEVEL.replace('"strike": 100', '"strike": -1'),
        LEVEL.replace('"right": "put"', '"right": "straddle"'),
        LEVEL.replace('"open_interest": 7', '"open_interest": "many"'),
        LEVEL.replace('"expiry": "2024-11-15", ', ""),
    ]

    world.say("\n".join([*bad, LEVEL, ""]).encode())

    reasons = [each.json()["reason"] for each in world.producer.on(DEAD_LETTERS, 0)]
    assert sorted(reasons) == ["bad_expiry", "bad_open_interest", "bad_right", "bad_strike"]
    assert len(levels_sent(world)) == 1


def test_who_calls_a_symbol_underlying_sends_prices() -> None:
    feed = JsonFeed("feed", (("symbol", "underlying"),))
    line = f'{{"underlying": "ACME", "event_time": {at(1, 1)}, "price": 5}}\n'

    events = feed.read(line.encode(), RULES)

    assert (len(events.prices), len(events.interest)) == (1, 0)
    assert events.prices.rejects == []
