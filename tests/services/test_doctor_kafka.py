from services.doctor_group import judge_group, judge_lag
from services.doctor_kafka import judge_arrivals, judge_brokers, judge_logs
from services.doctor_kafka_facts import KafkaFacts, LogState, Member
from services.findings import Finding, Verdict
from streams.topics import INPUTS
from tests.support.doctor_facts import (
    NOW_MS,
    kafka_facts,
    member,
    notes,
    problems,
    topic_state,
)


def judged(facts: KafkaFacts) -> list[Finding]:
    return [
        *judge_brokers(facts, "kafka:9092"),
        *judge_logs(facts),
        *judge_arrivals(facts),
        *judge_group(facts),
        *judge_lag(facts),
    ]


def test_where_all_is_well_nothing_is_noted() -> None:
    findings = judged(kafka_facts())

    assert {one.verdict for one in findings} == {Verdict.OK}
    assert "group forcedflow: 1 worker with 12 of 12 partitions: w1 on 10.0.0.7" in [
        str(one) for one in findings
    ]


def test_a_kafka_that_tells_nothing_is_one_problem() -> None:
    facts = KafkaFacts(prefix="", group_id="forcedflow", fault="no answer in time")

    assert problems(judged(facts)) == ["Kafka: no answer in time"]


def test_a_broker_that_is_away_shows_in_its_copies() -> None:
    facts = kafka_facts(
        brokers=(1, 2),
        fenced=(3,),
        topics={"prices": topic_state("prices", lagging=(0, 1, 4), leaderless=(4,))},
    )

    assert problems(judged(facts)) == [
        "broker 3: registered and not alive",
        "topic prices: nobody serves partition 4",
        "topic prices: copies of partitions 0–1 are behind or away",
        "Kafka: topics have 3 copies, 2 brokers are alive",
    ]


def test_topics_are_judged_as_by_topics_check() -> None:
    facts = kafka_facts()
    facts.topics = {name: state for name, state in (facts.topics or {}).items() if name != "alerts"}

    assert problems(judged(facts)) == ["topic alerts: missing"]


def test_what_is_known_is_judged_though_kafka_fell_silent() -> None:
    facts = kafka_facts(group=None, logs={}, asking="asking for the group", fault="timed out")

    assert problems(judged(facts)) == ["Kafka: fell silent while asking for the group (timed out)"]


def test_a_topic_in_which_nothing_arrives_is_noted() -> None:
    assert notes(judged(kafka_facts(newest_ms=NOW_MS - 90_000))) == [
        "topic prices: the newest price or heartbeat is 90 s old"
    ]
    assert notes(judged(kafka_facts(newest_ms=None))) == ["topic prices: empty"]


def test_records_from_the_future_mean_that_clocks_differ() -> None:
    assert problems(judged(kafka_facts(newest_ms=NOW_MS + 3_000))) == [
        "Kafka's clock: its newest record is 3.0 s ahead of this host's clock"
    ]
    assert problems(judged(kafka_facts(newest_ms=NOW_MS + 900))) == []


def test_recent_dead_letters_are_noted() -> None:
    assert notes(judged(kafka_facts(letters=23))) == [
        "topic dead-letters: 23 letters within the last hour"
    ]


def test_a_group_without_members_is_a_problem() -> None:
    assert problems(judged(kafka_facts(members=[], state="Empty"))) == [
        "group forcedflow: nobody is in it"
    ]
    assert problems(judged(kafka_facts(members=[], state="Dead"))) == [
        "group forcedflow: there is none"
    ]


def test_a_group_that_divides_its_partitions_is_a_note() -> None:
    assert notes(judged(kafka_facts(state="PreparingRebalance"))) == [
        "group forcedflow: PreparingRebalance: its 1 member divide the partitions anew"
    ]


def test_partitions_that_nobody_owns_are_named_by_topic() -> None:
    some = member(closes=range(10), etf_flows=range(12))

    assert problems(judged(kafka_facts(members=[some]))) == [
        "group forcedflow: nobody owns partitions 10–11 of closes"
    ]


def test_topics_of_one_partition_with_different_owners_are_a_problem() -> None:
    other = frozenset(range(12))
    first = Member("m1", "w1", "a", {"prices": other})
    others = {topic: other for topic in INPUTS if topic != "prices"}
    second = Member("m2", "w2", "b", others)

    assert problems(judged(kafka_facts(members=[first, second]))) == [
        f"group forcedflow: partitions 0–11: {', '.join(INPUTS)} have different owners"
    ]


def test_lag_is_told_in_records_and_seconds() -> None:
    def lagging(ago_seconds: float) -> KafkaFacts:
        waiting = NOW_MS - round(ago_seconds * 1000)
        return kafka_facts(logs={("prices", 4): LogState(100, 5_000, 4_880, waiting)})

    recent, late, lost = (judged(lagging(ago)) for ago in (1.2, 20, 300))

    assert "topic prices: 120 records not handled and saved, the oldest 1.2 s old" in [
        one.subject + ": " + one.found for one in recent
    ]
    assert notes(late) == [
        "topic prices: 120 records not handled and saved, the oldest 20 s old, in partition 4"
    ]
    assert problems(lost) == [
        "topic prices: 120 records not handled and saved, the oldest 5 min old, in partition 4"
    ]


def test_open_interest_may_wait_for_its_next_save() -> None:
    def waiting(ago_seconds: float) -> KafkaFacts:
        log = LogState(100, 5_000, 4_880, NOW_MS - round(ago_seconds * 1000))
        return kafka_facts(logs={("open-interest", 4): log})

    assert notes(judged(waiting(32))) == []
    assert notes(judged(waiting(50))) != []


def test_what_was_never_committed_counts_from_the_logs_start() -> None:
    assert LogState(100, 150, None).lag == 50
    assert LogState(100, 150, 20).lag == 50
    assert LogState(100, 150, 150).lag == 0


def test_lag_whose_age_is_not_known_says_so() -> None:
    findings = judged(kafka_facts(logs={("prices", 4): LogState(100, 150, 149)}))

    assert notes(findings) == [
        "topic prices: 1 record not handled and saved, for how long is not known"
    ]
