"""The ledger rebuilt from transitions, and transitions read back from a real Kafka."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaProducer

from core.alerts import Change, Reason
from services.alert_audit import KafkaAudit, audit_value
from services.alert_history import HistoryError, parse_record, rebuilt
from services.alert_ledger import Ledger, TransitionRecord
from services.child_process import free_port
from services.clock import SystemClock
from services.embedded_kafka import EmbeddedKafka
from tests.support.alert_samples import HOST_NS, cleared, fired, happen, key, transition
from tests.support.kafka_litter import KAFKA_LITTER
from tests.support.topics import create_topic

pytestmark = KAFKA_LITTER

MINUTE_NS = 60 * 10**9
CLOCK = SystemClock()


def again(*records: TransitionRecord, now_ns: int = HOST_NS) -> Ledger:
    return rebuilt(
        records, now_ns=now_ns, tell_end=lambda one, last: {**last, "why": str(one.reason)}
    )


def test_what_fired_fires_on_with_its_start_and_nothing_to_append() -> None:
    before = happen(happen(Ledger(), fired(), fired("BOLT")), transition(Change.UNKNOWN))
    after = again(*before.outbox, now_ns=HOST_NS + 10**18)

    assert after.states() == before.states()
    assert [one.starts_ns for one in after.firing()] == [HOST_NS, HOST_NS]
    assert [one.fired_sequence for one in after.firing()] == [1, 2]
    assert [one.sequence for one in after.firing()] == [3, 2]
    assert after.firing()[0].annotations == {"summary": "SELL ACME"}
    assert after.sequence == 3
    assert after.outbox == ()


def test_a_resolve_is_repeated_for_a_quarter_of_an_hour_and_then_only_remembered() -> None:
    records = happen(happen(Ledger(), fired()), cleared(), now_ns=HOST_NS + MINUTE_NS).outbox

    [episode] = again(*records, now_ns=HOST_NS + 16 * MINUTE_NS - 1).episodes
    assert (episode.ends_ns, episode.reason) == (HOST_NS + MINUTE_NS, Reason.CLEARED)
    assert episode.annotations == {"summary": "SELL ACME", "why": "cleared"}
    later = again(*records, now_ns=HOST_NS + 16 * MINUTE_NS)
    assert later.episodes == ()
    assert [one.key for one in later.closed] == [key()]


def test_a_later_episode_of_the_same_alert_counts() -> None:
    ledger = happen(happen(Ledger(), fired()), cleared())
    ledger = happen(ledger, fired(), now_ns=HOST_NS + MINUTE_NS)
    after = again(*ledger.outbox, now_ns=HOST_NS + MINUTE_NS)

    assert [one.starts_ns for one in after.firing()] == [HOST_NS + MINUTE_NS]
    assert [one.starts_ns for one in after.closed] == [HOST_NS]


def test_what_was_appended_again_counts_once_also_long_after() -> None:
    first, second = happen(happen(Ledger(), fired()), cleared()).outbox

    assert again(first, first, second, second, first).firing() == ()
    assert again(first, first).sequence == 1


def test_where_a_lost_ledger_led_to_other_transitions_the_later_ones_count() -> None:
    ledger = happen(Ledger(), fired())
    [ended] = happen(ledger, cleared()).outbox[1:]
    [went_on] = happen(ledger, transition(Change.UNKNOWN), now_ns=HOST_NS + 1).outbox[1:]
    assert ended.sequence == went_on.sequence

    [episode] = again(*ledger.outbox, ended, went_on).firing()
    assert episode.fired_sequence == 1


def test_of_nothing_comes_an_empty_ledger() -> None:
    assert again() == Ledger()


@given(
    st.lists(
        st.tuples(st.sampled_from(["ACME", "BOLT"]), st.integers(0, 2), st.integers(1, 5)),
        max_size=20,
    ),
    st.data(),
)
def test_whatever_happened_the_topic_tells_what_the_ledger_told(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    ledger, now_ns = Ledger(), HOST_NS
    for symbol, choice, minutes in steps:
        now_ns += minutes * MINUTE_NS
        is_live = key(symbol) in ledger.states()
        changes = [Change.UNKNOWN, Change.KNOWN, Change.RESOLVED] if is_live else [Change.FIRING]
        change = changes[choice % len(changes)]
        reason = Reason.CLEARED if change is Change.RESOLVED else Reason.NONE
        ledger = happen(ledger, transition(change, key(symbol), reason=reason), now_ns=now_ns)
    records = list(ledger.outbox)
    # A producer that tries again repeats what it last sent; one that slept repeats anything.
    for place in data.draw(st.lists(st.integers(0, max(len(records) - 1, 0)), max_size=5)):
        records += records[place : place + 2]

    after = again(*records, now_ns=now_ns)
    assert after.sequence == ledger.sequence
    assert [told(one) for one in after.firing()] == [told(one) for one in ledger.firing()]


def told(episode: object) -> tuple[object, ...]:
    names = ("key", "state", "starts_ns", "fired_sequence", "sequence")
    return tuple(getattr(episode, name) for name in names)


def test_a_record_comes_back_from_its_json_as_it_was() -> None:
    for record in happen(happen(Ledger(), fired()), cleared()).outbox:
        assert parse_record(audit_value(record)) == record


async def test_transitions_come_back_from_kafka_in_order_without_what_is_not_ours(
    kafka: str, make_topic: Callable[..., str]
) -> None:
    records = happen(happen(Ledger(), fired(), fired("BOLT")), cleared()).outbox
    topic = make_topic("alerts")
    audit_log = KafkaAudit(kafka, topic, CLOCK)
    assert await audit_log.read() == []
    await audit_log.append(records[:2])
    append_foreign(kafka, topic)
    await audit_log.append(records[2:])

    assert await audit_log.read() == list(records)
    await audit_log.close()


def append_foreign(bootstrap: str, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for value in (b"not ours", b"{}", None):
        producer.send(topic, value=value, key=b"foreign").get(timeout=10)
    producer.close()


async def test_a_topic_that_is_not_there_is_said(kafka: str, topic_suffix: str) -> None:
    audit_log = KafkaAudit(kafka, f"alerts-{topic_suffix}", CLOCK)
    with pytest.raises(HistoryError, match="there is no such topic"):
        await audit_log.read()
    await audit_log.close()


async def test_nobody_listening_is_said_at_once() -> None:
    audit_log = KafkaAudit(f"127.0.0.1:{free_port()}", "alerts", CLOCK)
    started = CLOCK.monotonic()
    with pytest.raises(HistoryError, match="nothing accepts connections"):
        await audit_log.read()
    await audit_log.close()

    assert CLOCK.monotonic() - started < 3.0


# In a process of its own: kafka-python leaves a thread behind when a first answer does not come.
READ = """
import sys
from services.alert_history import HistoryError, read_transitions
from services.clock import SystemClock
clock = SystemClock()
started = clock.monotonic()
try:
    read_transitions(sys.argv[1], "alerts", clock)
except HistoryError:
    sys.exit(f"given up after {clock.monotonic() - started:.0f} s")
"""


def test_a_broker_that_hangs_is_given_up(own_kafka: EmbeddedKafka) -> None:
    create_topic(own_kafka.bootstrap, "alerts", partitions=1)
    own_kafka.pause()
    try:
        reading = subprocess.run(
            [sys.executable, "-c", READ, own_kafka.bootstrap],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        own_kafka.resume()

    last = reading.stderr.splitlines()[-1]
    found = re.fullmatch(r"given up after (\d+) s", last)
    assert found, reading.stderr
    assert int(found[1]) < 15
