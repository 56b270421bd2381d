"""Feeds without end: their rows, their clock, and when they are no longer believed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.errors import ConfigError
from services.event_fields import FLOW_FIELDS, PRICE_FIELDS
from services.gateway_upstreams import FollowedFile, SocketClients
from services.gateway_voice import SILENCE_SECONDS
from services.live_feeds import FileFeed, JsonFeed
from streams.topics import DEAD_LETTERS, FLOWS, PRICES, partition_of
from tests.support.core_universe import HOUR_NS, Ref, at, core_universe
from tests.support.live_relay import LATENESS, RULES, SECOND, UNIVERSE, RelayWorld, price


def test_a_live_feed_is_carried_on_by_the_hosts_clock() -> None:
    world = RelayWorld(1)

    world.tick_price()
    world.pass_seconds(3.6)

    assert world.beats() == [at(1, 1) + second * SECOND for second in (-1, 0, 1, 2, 3)]
    assert world.beats(11, FLOWS) == world.beats()


def test_heartbeats_stay_behind_the_quickest_event_and_the_host() -> None:
    late = RelayWorld(1, lag_seconds=30)
    early = RelayWorld(1, lag_seconds=-20)

    late.tick_price()
    late.pass_seconds(2)
    early.say(price(early.clock.now_ns()))
    early.relay.take(early.feed.read(price(early.clock.now_ns() + 20 * SECOND), RULES))
    early.pass_seconds(2)

    assert late.beats()[-1] == at(1, 1) - 29 * SECOND
    assert early.beats()[-1] <= early.clock.now_ns() - LATENESS


def test_event_time_never_goes_back() -> None:
    world = RelayWorld(1)

    world.tick_price()
    world.pass_seconds(2)
    world.say(price(at(1, 0)))
    world.clock.set_host(at(1, 0.5))
    world.pass_seconds(2)

    assert world.beats() == sorted(world.beats())


def test_nothing_is_promised_before_the_first_event() -> None:
    world = RelayWorld(1)

    world.pass_seconds(5)

    assert world.beats() == []


def test_a_feed_that_falls_silent_in_session_gets_no_more_heartbeats() -> None:
    world = RelayWorld(1)

    world.tick_price()
    world.pass_seconds(SILENCE_SECONDS + 30)
    silent_since = world.beats()[-1]
    world.pass_seconds(7 * 3600)

    assert silent_since <= at(1, 1) + SILENCE_SECONDS * SECOND
    assert world.beats()[-1] == silent_since
    world.tick_price()
    world.pass_seconds(1)
    assert world.beats()[-1] > silent_since


def test_a_bad_line_is_a_sign_of_life() -> None:
    world = RelayWorld(1)

    world.tick_price()
    for _ in range(5):
        world.pass_seconds(8)
        world.say(b"not json\n")

    assert world.beats()[-1] > at(1, 1) + 38 * SECOND
    letters = world.producer.on(DEAD_LETTERS, 0)
    assert [letter.json()["reason"] for letter in letters] == ["malformed"] * 5


def test_a_feed_may_be_quiet_while_venues_are_closed() -> None:
    world = RelayWorld(7 - 4 / 3600)

    world.tick_price()
    world.pass_seconds(40 * 60)

    # What closed at 7 hours after the open has passed by more than half an hour.
    assert world.beats()[-1] > at(1, 7.5)


def test_an_upstream_that_is_gone_gets_no_heartbeats() -> None:
    world = RelayWorld(1)

    world.tick_price()
    world.pass_seconds(2)
    world.relay.lose("feed")
    count = len(world.beats())
    world.pass_seconds(2)
    assert len(world.beats()) == count
    world.relay.find("feed")
    world.pass_seconds(2)

    assert len(world.beats()) > count


def test_a_day_of_the_past_may_be_fed_at_a_multiple_of_its_pace() -> None:
    world = RelayWorld(1, lag_seconds=24 * 3600, speed=60)

    world.tick_price()
    world.pass_seconds(1)

    assert world.beats()[-1] == at(0, 1) + 59 * SECOND


def test_prices_and_creations_come_through_one_socket() -> None:
    world = RelayWorld(1)
    now = world.clock.now_ns()
    creation = f'{{"fund": "ACMU", "event_time": {now}, "net_creation_usd": 5}}\n'.encode()

    world.say(price(now) + creation + price(now, "ZZZZ") + price(now, "BOLT", -1))

    acme = partition_of("ACME")
    assert [each.json()["price"] for each in world.producer.on(PRICES, acme)] == [100]
    assert [each.json()["fund"] for each in world.producer.on(FLOWS, acme)] == ["ACMU"]
    counts = world.outlet.counts
    assert (counts.rows, counts.skipped, counts.rejected) == (2, 1, {"bad_price": 1})
    letter = world.producer.on(DEAD_LETTERS, 0)[0].json()
    assert (letter["file"], letter["line"]) == ("feed", 4)


def test_a_newer_universe_counts_from_the_next_row_on() -> None:
    world = RelayWorld(1)
    now = world.clock.now_ns()
    bolt = partition_of("BOLT")

    world.relay.switch(core_universe([Ref("ACME")]))
    world.say(price(now, "BOLT", 1))
    world.relay.switch(UNIVERSE)
    world.say(price(now, "BOLT", 2))
    world.relay.switch(core_universe([Ref("ACME")]))
    world.say(price(now, "BOLT", 3) + price(now, "ACME", 4))

    assert [each.json()["price"] for each in world.producer.on(PRICES, bolt)] == [2]
    assert (world.outlet.counts.rows, world.outlet.counts.skipped) == (2, 2)


def test_a_newer_universe_brings_its_hours() -> None:
    world = RelayWorld(8)
    world.tick_price()
    world.pass_seconds(60)
    count = len(world.beats())

    # By day all is closed; where one venue never closes, a silent feed is lost.
    world.relay.switch(core_universe([Ref("ACME"), Ref("COIN", "ROUND")]))
    world.pass_seconds(60)

    assert count >= 60
    assert len(world.beats()) == count


def test_line_numbers_go_on_from_piece_to_piece() -> None:
    feed = JsonFeed("feed", ())

    feed.read(b"x\n\nx\n", RULES)
    rows = feed.read(b"\nx\n", RULES)

    assert [reject.line for reject in rows.prices.rejects] == [5]


def test_a_vendors_keys_are_told_from_the_first_lines() -> None:
    feed = JsonFeed("feed", (("price", "last"), ("symbol", "ticker")))

    rows = feed.read(b'{"ticker": "ACME", "event_time": 1782000000000000000, "last": 5}\n', RULES)

    assert rows.prices.symbols == ("ACME",)
    assert rows.prices.price.tolist() == [5]


def test_a_socket_whose_keys_cannot_be_told_is_refused_line_by_line() -> None:
    feed = JsonFeed("feed", (("price", "last"), ("price", "close")))

    rows = feed.read(b'{"symbol": "ACME", "event_time": 1, "last": 5, "close": 6}\n', RULES)

    assert [reject.reason for reject in rows.prices.rejects] == ["bad_columns"]


def test_a_price_without_symbol_takes_that_of_its_file(tmp_path: Path) -> None:
    feed = FileFeed(tmp_path / "ACME.jsonl", fields=PRICE_FIELDS, columns=(), symbol="ACME")

    rows = feed.read(b'{"event_time": 1782000000000000000, "price": 5}\n', RULES)

    assert rows.prices.symbols == ("ACME",)


def test_parquet_cannot_grow(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a file to follow"):
        FileFeed(tmp_path / "a.parquet", fields=PRICE_FIELDS, columns=())


@contextmanager
def followed(world: RelayWorld, path: Path) -> Iterator[FollowedFile]:
    file = FollowedFile(path, world.relay, lambda: RULES, fields=FLOW_FIELDS, columns=())
    with closing(file):
        yield file


def creations(world: RelayWorld) -> list[float]:
    sent = [each.json() for each in world.producer.on(FLOWS, partition_of("ACME"))]
    return [each["net_creation_usd"] for each in sent if "fund" in each]


def test_a_file_that_begins_anew_has_a_header_again(tmp_path: Path) -> None:
    world, path = RelayWorld(1), tmp_path / "flows.csv"
    path.write_text(f"fund,event_time,net_creation_usd\nACMU,{at(1, 1)},1\n")
    with followed(world, path) as file:
        file.read()
        path.unlink()
        path.write_text(f"net_creation_usd,fund,event_time\n2,ACMU,{at(1, 1)}\n")

        while file.read():
            pass

    assert creations(world) == [1, 2]


def test_the_first_header_must_be_usable(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text("fund,net_creation_usd\n")

    with (
        followed(RelayWorld(1), path) as file,
        pytest.raises(ConfigError, match="expected a column event_time"),
    ):
        file.read()


def test_a_later_header_that_is_unusable_makes_bad_rows(tmp_path: Path) -> None:
    world, path = RelayWorld(1), tmp_path / "flows.csv"
    path.write_text("fund,event_time,net_creation_usd\n")
    with followed(world, path) as file:
        file.read()
        path.unlink()
        path.write_text("fund,net_creation_usd\nACMU,1\n")

        while file.read():
            pass

    assert world.outlet.counts.rejected == {"bad_columns": 2}


def test_a_file_that_is_gone_stops_the_heartbeats(tmp_path: Path) -> None:
    world, path = RelayWorld(1), tmp_path / "flows.csv"
    path.write_text(f"fund,event_time,net_creation_usd\nACMU,{at(1, 1)},1\n")
    with followed(world, path) as file:
        file.read()
        path.unlink()
        while file.read():
            pass

        world.pass_seconds(3)

        assert world.beats() == []
        path.write_text("fund,event_time,net_creation_usd\n")
        file.read()
        world.pass_seconds(3)
        assert world.beats() != []


def test_a_socket_without_clients_stops_the_heartbeats() -> None:
    world = RelayWorld(1)
    clients = SocketClients(world.relay, lambda: RULES, ())
    one, two = clients.welcome("one"), clients.welcome("two")
    one.lines(price(world.clock.now_ns()))
    one.gone()
    world.pass_seconds(2)
    count = len(world.beats())

    two.gone()
    world.pass_seconds(2)

    assert count > 0
    assert len(world.beats()) == count


def test_a_day_that_is_caught_up_with_ends_at_the_present() -> None:
    world = RelayWorld(5)

    for step in range(100):
        world.say(price(at(1, 0) + step * HOUR_NS // 20))
        world.relay.tick()

    assert world.beats()[-1] == at(1, 0) + 99 * HOUR_NS // 20 - SECOND
