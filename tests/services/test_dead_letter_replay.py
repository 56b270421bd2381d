import hashlib
from dataclasses import replace

import pyarrow as pa
import pytest

from core.universe import Universe
from services.dead_letter_records import Letter
from services.dead_letter_replay import Planner, Refusal, Resend
from services.dead_letter_sending import make_plan, send_again
from streams.frames import encode_frame
from streams.topics import FLOWS, MAX_EVENT_BYTES, OPEN_INTEREST, partition_of
from tests.support.core_universe import Fund, Ref, core_universe
from tests.support.dead_letters import read, record_letter, row_letter
from tests.support.recording_producer import RecordingProducer, Sent
from tests.support.records import event, flow, heartbeat, price

UNIVERSE = core_universe([Ref("ACME"), Ref("BOLT")], [Fund("BOLU", "BOLT", [])])
BOLT = partition_of("BOLT")


def planner(universe: Universe | None = UNIVERSE, *, partitions: int = 12) -> Planner:
    return Planner(lambda _: partitions, lambda: universe)


def letter(raw: bytes, **cells: object) -> Letter:
    return read(record_letter(raw, **cells))  # type: ignore[arg-type]


def refused(found: Letter, *, by: Planner | None = None) -> str:
    step = (by or planner()).plan(found)
    assert isinstance(step, Refusal)
    return step.why


def test_bytes_go_back_to_where_they_came_from() -> None:
    raw = price("BOLT", -1)

    step = planner(None).plan(letter(raw, reason="bad_price", partition=7))

    assert step == Resend("prices", 7, None, raw, "where it was")


@pytest.mark.parametrize(
    ("topic", "raw"),
    [
        ("prices", price("BOLT")),
        ("prices", encode_frame(pa.record_batch({"symbol": ["BOLT"], "price": [1.0]}))),
        (FLOWS, flow("BOLU")),
        (OPEN_INTEREST, event(underlying="BOLT", strike=100.0)),
    ],
)
def test_misrouted_events_go_to_the_partition_of_their_reference(topic: str, raw: bytes) -> None:
    step = planner().plan(letter(raw, reason="misrouted", topic=topic, partition=(BOLT + 1) % 12))

    assert step == Resend(topic, BOLT, b"BOLT", raw, "of BOLT")


def test_options_on_a_listed_underlying_go_to_its_reference() -> None:
    listed = replace(UNIVERSE, option_listings={"BOLT2": (1, 10.0)})
    raw = event(underlying="BOLT2", strike=100.0)

    step = planner(listed).plan(letter(raw, reason="misrouted", topic=OPEN_INTEREST))

    assert step == Resend(OPEN_INTEREST, BOLT, b"BOLT", raw, "of BOLT")


def test_misrouted_events_need_a_universe_that_has_their_name() -> None:
    misrouted = letter(price("GONE"), reason="misrouted")

    assert "--universe" in refused(misrouted, by=planner(None))
    assert refused(misrouted) == "'GONE' is not in this universe: workers would pass it over"


def test_what_cannot_be_sent_is_refused_with_its_reason() -> None:
    whole = letter(price("ACME"))

    assert "holds 65,536 of its 65,546 bytes" in refused(letter(b"x" * (MAX_EVENT_BYTES + 10)))
    assert "line 7 of spy.csv" in refused(read(row_letter()))
    assert "nothing to send" in refused(letter(b"", reason="empty"))
    assert "damaged" in refused(replace(whole, sha256=hashlib.sha256(b"other").hexdigest()))
    assert "did not come from a topic that sources write to" in refused(
        letter(b"{}", topic="closes")
    )
    assert "partition 7, and prices has 4 now" in refused(
        letter(price("ACME"), partition=7), by=planner(partitions=4)
    )


@pytest.mark.parametrize(
    "raw",
    [
        heartbeat("tape"),
        encode_frame(pa.record_batch({"heartbeat": ["tape"], "event_time": [1]})),
    ],
)
def test_a_heartbeat_is_not_sent_late(raw: bytes) -> None:
    assert "heartbeat" in refused(letter(raw, reason="future"))


def test_a_plan_counts_all_shows_some_and_names_what_is_not_there() -> None:
    letters = [letter(price("ACME"), offset=offset) for offset in range(200)]
    letters += [letter(heartbeat(), offset=offset) for offset in range(200, 230)]

    plan = make_plan(letters, planner(), wanted=["prices/3/5/0", "prices/3/9999/0"])

    assert (plan.sendable, plan.refused) == (200, 30)
    assert plan.missing == ["prices/3/9999/0"]
    assert not plan.is_whole
    lines = plan.lines()
    assert len(lines) == 10 + 2 + 1 + 10 + 1
    assert "… 200 records in all:" in lines
    assert "… 30 letters in all cannot be sent" in lines


def test_only_what_can_be_sent_is_sent() -> None:
    output = RecordingProducer()
    raw = price("ACME")
    told: list[int] = []

    sent = send_again(
        [letter(raw), letter(heartbeat(), offset=1), read(row_letter())],
        planner(),
        output,
        prefix="x-",
        progress=told.append,
    )

    assert (sent, told) == (1, [1])
    assert output.sent == [Sent("x-prices", 3, None, raw)]
    assert output.flushed == 1
