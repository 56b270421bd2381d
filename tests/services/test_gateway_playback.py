from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from services.gateway_course import last_heartbeat_ns
from services.gateway_plan import GatewayPlan
from streams.topics import FLOWS, OPEN_INTEREST, PRICES, partition_of
from tests.support.core_universe import HOUR_NS, Ref, at, core_universe, ints
from tests.support.option_lines import json_file, level
from tests.support.played_files import (
    GRACE,
    MINUTE,
    SECOND,
    UNIVERSE,
    Begin,
    PlayedFiles,
    beat,
    told,
)


def test_rows_go_to_the_partition_of_their_reference_under_its_key(tmp_path: Path) -> None:
    feed = PlayedFiles(tmp_path, [("ACME", at(0, 1)), ("BOLT", at(0, 1))], [at(0, 1)])

    feed.run()

    rows = [sent for sent in feed.producer.sent if "heartbeat" not in sent.json()]
    assert [(sent.topic, sent.partition, sent.key) for sent in rows] == [
        (PRICES, partition_of("ACME"), b"ACME"),
        (PRICES, partition_of("BOLT"), b"BOLT"),
        (FLOWS, partition_of("ACME"), b"ACME"),
    ]
    assert rows[0].json() == {
        "symbol": "ACME",
        "event_time": at(0, 1),
        "price": 100,
        "volume": 10,
        "source": "gateway",
    }
    assert rows[2].json() == {
        "fund": "ACMU",
        "event_time": at(0, 1),
        "net_creation_usd": 1,
        "source": "gateway",
    }


def test_files_come_in_event_order_whatever_their_own(tmp_path: Path) -> None:
    start = at(0, 1)
    feed = PlayedFiles(tmp_path, [("ACME", start + 2), ("ACME", start), ("ACME", start + 1)])

    feed.run()

    rows = [each for each in feed.on("ACME") if isinstance(each, int)]
    assert rows == [start, start + 1, start + 2]


def write_levels(folder: Path, *times: int, **fields: object) -> None:
    """Write levels of options on ACME for feeds to come."""
    rows = [level(event_time=time, expiry="2024-12-20", **fields) for time in times]
    json_file(folder / "oi.jsonl", rows)


def test_levels_come_after_prices_and_creations_of_their_time(tmp_path: Path) -> None:
    write_levels(tmp_path, at(0, 1), at(0, 0.5))
    feed = PlayedFiles(tmp_path, [("ACME", at(0, 1))], [at(0, 1)])

    feed.run()

    rows = [sent for sent in feed.producer.sent if "heartbeat" not in sent.json()]
    assert [(sent.topic, sent.json()["event_time"]) for sent in rows] == [
        (OPEN_INTEREST, at(0, 0.5)),
        (PRICES, at(0, 1)),
        (FLOWS, at(0, 1)),
        (OPEN_INTEREST, at(0, 1)),
    ]
    assert {(sent.partition, sent.key) for sent in rows} == {(partition_of("ACME"), b"ACME")}
    assert rows[0].json()["source"] == "gateway"
    assert feed.playback.total == 4


def test_who_sends_open_interest_alone_promises_nothing_of_prices(tmp_path: Path) -> None:
    write_levels(tmp_path, at(0, 1), at(0, 2), source="levels")
    alone = PlayedFiles(tmp_path, [])
    alone.run()
    both = PlayedFiles(tmp_path, [("ACME", at(0, 1))])
    both.run()

    expected = [at(0, 2) - SECOND, at(0, 7) + GRACE]
    for partition in range(12):
        heard = [sent.json() for sent in alone.producer.on(OPEN_INTEREST, partition)]
        beats = [(each["heartbeat"], each["event_time"]) for each in heard if "heartbeat" in each]
        assert beats == [("levels", time_ns) for time_ns in expected]
        for topic in (PRICES, FLOWS):
            assert alone.producer.on(topic, partition) == []
            assert speakers(both, topic, partition) == {"gateway"}
        assert speakers(both, OPEN_INTEREST, partition) == {"levels"}


def speakers(feed: PlayedFiles, topic: str, partition: int) -> set[str]:
    sent = [each.json() for each in feed.producer.on(topic, partition)]
    return {each["heartbeat"] for each in sent if "heartbeat" in each}


def test_levels_of_what_the_universe_does_not_know_are_counted(tmp_path: Path) -> None:
    write_levels(tmp_path, at(0, 1), underlying="ELSE")
    feed = PlayedFiles(tmp_path, [("ACME", at(0, 1))])

    feed.run()

    assert (feed.outlet.counts.skipped, feed.outlet.counts.rows) == (1, 1)
    assert feed.producer.on(OPEN_INTEREST, partition_of("ACME")) == []


def test_every_partition_of_both_topics_hears_every_heartbeat(tmp_path: Path) -> None:
    feed = PlayedFiles(tmp_path, [("ACME", at(0, 1)), ("ACME", at(0, 2))])

    feed.run()

    expected = [beat(at(0, 2) - SECOND), beat(at(0, 7) + GRACE)]
    for topic in (PRICES, FLOWS):
        for partition in range(12):
            heard = [told(sent) for sent in feed.producer.on(topic, partition)]
            assert [each for each in heard if isinstance(each, str)] == expected


def test_at_full_speed_a_gap_is_one_heartbeat_and_none_divides_a_second(tmp_path: Path) -> None:
    start = at(0, 1)
    times = [start, start + SECOND // 2, start + SECOND, start + SECOND + 1, start + 9 * SECOND]
    feed = PlayedFiles(tmp_path, [("ACME", time_ns) for time_ns in times])

    assert feed.run(host_seconds=0)

    assert feed.on("ACME") == [
        start,
        beat(start),
        start + SECOND // 2,
        start + SECOND,
        beat(start + SECOND),
        start + SECOND + 1,
        beat(start + 8 * SECOND),
        start + 9 * SECOND,
        beat(at(0, 7) + GRACE),
    ]


def test_a_heartbeat_is_never_ahead_of_what_was_sent(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    times = (at(0, 1) + random.integers(0, 20 * SECOND, 300)).tolist()
    feed = PlayedFiles(tmp_path, [("ACME", time_ns) for time_ns in times], speed=3.0)

    feed.run()

    promised = 0
    for each in feed.on("ACME"):
        if isinstance(each, str):
            promised = int(each.removeprefix("all up to "))
        else:
            assert each > promised


def test_a_steady_pace_follows_the_clock(tmp_path: Path) -> None:
    start = at(0, 1)
    feed = PlayedFiles(tmp_path, [("ACME", start), ("ACME", start + 2 * MINUTE)], speed=60)

    feed.run(host_seconds=1.999)

    assert feed.on("ACME")[0] == start
    assert feed.on("ACME")[-1] == beat(start + 119 * SECOND)
    feed.run(host_seconds=0.002)
    assert feed.on("ACME")[-2:] == [start + 2 * MINUTE, beat(start + 2 * MINUTE)]


def test_each_second_of_event_time_has_its_heartbeat(tmp_path: Path) -> None:
    start = at(0, 1)
    feed = PlayedFiles(tmp_path, [("ACME", start), ("ACME", start + MINUTE)], speed=10)

    feed.run(host_seconds=6.05)

    seconds = [beat(start + second * SECOND) for second in range(61)]
    assert [each for each in feed.on("BOLT") if isinstance(each, str)] == seconds


def test_a_slow_pace_repeats_its_heartbeat_each_second(tmp_path: Path) -> None:
    start = at(0, 1)
    feed = PlayedFiles(tmp_path, [("ACME", start), ("ACME", start + MINUTE)], speed=0.1)

    feed.run(host_seconds=12)

    heard = [each for each in feed.on("BOLT") if isinstance(each, str)]
    assert set(heard) == {beat(start), beat(start + SECOND)}
    assert len(heard) in {12, 13}


def test_one_heartbeat_jumps_the_closed_hours(tmp_path: Path) -> None:
    universe = core_universe([Ref("ACME")])
    close = at(0, 7)
    feed = PlayedFiles(
        tmp_path,
        [("ACME", close - SECOND), ("ACME", at(1, 0) + SECOND)],
        universe=universe,
        speed=600,
    )

    feed.run(host_seconds=(GRACE + 3 * SECOND) / SECOND / 600 + 0.02)

    heard = feed.on("ACME")
    ends = [int(each.removeprefix("all up to ")) for each in heard if isinstance(each, str)]
    assert max(np.diff(ends)) > 16 * HOUR_NS
    assert not [end for end in ends if close + GRACE < end < at(1, 0) - SECOND]
    assert at(1, 0) + SECOND in heard


def test_what_lies_before_the_start_is_sent_at_once(tmp_path: Path) -> None:
    start = at(1, 1)
    early = [("ACME", at(0, hour)) for hour in (1, 2, 3)]
    feed = PlayedFiles(
        tmp_path,
        [*early, ("ACME", start), ("ACME", start + MINUTE)],
        speed=1,
        begin=Begin(start_at_ns=start),
    )

    feed.run(host_seconds=0)

    assert feed.on("ACME") == [
        at(0, 1),
        at(0, 2),
        at(0, 3),
        beat(start - SECOND),
        start,
        beat(start),
    ]


def test_what_lies_before_a_resumption_is_left_out(tmp_path: Path) -> None:
    resumed = at(1, 1)
    times = [at(0, 1), resumed - SECOND, resumed + SECOND]
    feed = PlayedFiles(
        tmp_path, [("ACME", each) for each in times], speed=2, begin=Begin(from_ns=resumed)
    )

    feed.run(host_seconds=0.55)

    assert feed.on("ACME") == [beat(resumed), resumed + SECOND, beat(resumed + SECOND)]


def test_a_resumption_after_everything_ends_at_once(tmp_path: Path) -> None:
    feed = PlayedFiles(tmp_path, [("ACME", at(0, 1))], speed=1, begin=Begin(from_ns=at(1, 1)))

    assert feed.run(host_seconds=0)
    assert [each for each in feed.on("ACME") if not isinstance(each, str)] == []


def test_a_resumption_needs_the_sessions_volume(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--from: expected files that are not followed, with"):
        GatewayPlan((tmp_path / "p.csv",), from_ns=1, adds_volumes=True).check()


@pytest.mark.parametrize(
    ("session", "last_ns"), [(0, at(0, 7) + GRACE), (1, at(1, 24, "ROUND") + GRACE)]
)
def test_the_last_heartbeat_passes_every_close_by_half_an_hour(
    session: int, last_ns: int, tmp_path: Path
) -> None:
    rows = [("ACME", at(0, 1)), ("COIN", at(session, 1, "ROUND"))]
    feed = PlayedFiles(tmp_path, rows, speed=36000)

    assert feed.run()

    assert feed.on("ACME")[-1] == beat(last_ns)


def test_a_file_of_today_ends_at_the_present() -> None:
    end_ns = last_heartbeat_ns(
        UNIVERSE,
        event_ns=ints(at(0, 1)),
        reference=np.array([0], np.int32),
        now_ns=at(0, 2) + SECOND // 2,
    )

    assert end_ns == at(0, 2) + SECOND


def test_rows_after_the_close_touch_no_further_session(tmp_path: Path) -> None:
    feed = PlayedFiles(tmp_path, [("ACME", at(0, 7) + GRACE + SECOND // 2)])

    feed.run()

    assert feed.on("ACME")[-1] == beat(at(0, 7) + GRACE + SECOND)


def test_symbols_outside_the_universe_and_bars_across_an_open_are_counted(tmp_path: Path) -> None:
    rows = [("ACME", at(0, 0) - 2 * MINUTE), ("ZZZZ", at(0, 1)), ("ACME", at(0, 0))]

    feed = PlayedFiles(tmp_path, rows, bar_ns=5 * MINUTE)
    feed.run()

    counts = feed.outlet.counts
    assert (counts.skipped, counts.unused, counts.rows) == (1, 1, 1)
    assert feed.on("ACME")[0] == at(0, 0) + 5 * MINUTE


def test_volumes_of_bars_become_the_sessions_volume_so_far(tmp_path: Path) -> None:
    rows = [("ACME", at(0, 0)), ("ACME", at(0, 1)), ("BOLT", at(0, 1)), ("ACME", at(1, 1))]

    feed = PlayedFiles(tmp_path, rows, bar_ns=5 * MINUTE)
    feed.run()

    sent = [sent.json() for sent in feed.producer.sent]
    assert [row["volume"] for row in sent if row.get("symbol") == "ACME"] == [10, 20, 10]
    assert [row["volume"] for row in sent if row.get("symbol") == "BOLT"] == [10]


@pytest.mark.parametrize("frame_rows", [0, 50])
def test_nothing_is_lost_between_looks_at_the_clock(tmp_path: Path, frame_rows: int) -> None:
    rows = [("ACME", at(0, 1) + step * SECOND // 1000) for step in range(5000)]

    feed = PlayedFiles(tmp_path, rows, frame_rows=frame_rows)
    feed.run()

    assert feed.outlet.counts.rows == 5000
    assert feed.playback.done == 5000
