"""What the doctor makes of Kafka: brokers, topics, its clock, and what arrives."""

from collections.abc import Iterator, Mapping

from services.doctor_kafka_facts import KafkaFacts
from services.doctor_words import count, span, these
from services.findings import Finding, note, ok, problem
from services.topic_states import TopicState
from services.topics_check import judge_topics
from streams.topics import DEAD_LETTERS, PRICES, TOPICS

SKEW_SECONDS = 1.0
"""Clocks further apart than this make fresh data look stale, or stale data fresh."""
QUIET_SECONDS = 10.0
"""A gateway beats at least once a second; nothing for so long means that none is sending."""

_CLOCK_MEANS = (
    "ages are counted between clocks: a price goes stale 5 s after its heartbeat's time in Kafka"
)
CLOCK_MEND = "have all hosts follow one time source (chrony or systemd-timesyncd)"


def judge_brokers(facts: KafkaFacts, bootstrap: str) -> Iterator[Finding]:
    """Say whether Kafka is there, and whether its brokers hold what they should."""
    if not facts.cluster:
        yield problem(
            "Kafka",
            facts.fault,
            means="nothing can be sent, read or noted in the topic alerts",
            mend=f"see that the brokers run and that kafka.bootstrap ({bootstrap}) names them",
        )
        return
    yield ok("Kafka", f"{count(len(facts.brokers), 'broker')}, cluster {facts.cluster}")
    if facts.fenced:
        yield problem(
            these("broker", facts.fenced),
            "registered and not alive",
            means="copies on it fall behind; one more away may stop writing",
            mend="start it again, or unregister it if it is gone for good",
        )
    if facts.fault:
        yield problem(
            "Kafka",
            f"fell silent while {facts.asking} ({facts.fault})",
            means="what is not told below is not known",
            mend="ask again; if it stays so, look at the brokers' logs",
        )


def judge_logs(facts: KafkaFacts) -> Iterator[Finding]:
    """Say whether the topics are as they have to be, and all their copies there."""
    if facts.topics is None:
        return
    found = judge_topics(facts.topics, prefix=facts.prefix, specs=TOPICS).findings
    yield from found
    yield from _copies(facts, facts.topics)
    if not found:
        yield ok("topics", f"all {len(TOPICS)} are as they have to be")


def judge_arrivals(facts: KafkaFacts) -> Iterator[Finding]:
    """Say whether sources are sending, by which clock, and what was refused of it."""
    if facts.topics is None or f"{facts.prefix}{PRICES}" not in facts.topics:
        return
    yield from _newest(facts)
    if facts.letters:
        yield note(
            f"topic {facts.prefix}{DEAD_LETTERS}",
            f"{count(facts.letters, 'letter')} within the last hour",
            means="records or rows could not be used; they moved no number",
            mend="forcedflow dead-letters list --since 1h",
        )


def _copies(facts: KafkaFacts, topics: Mapping[str, TopicState]) -> Iterator[Finding]:
    for name, state in topics.items():
        if state.leaderless:
            yield problem(
                f"topic {name}",
                f"nobody serves {these('partition', state.leaderless)}",
                means="it can be neither written nor read, and what lies on it is unknown",
                mend="start the brokers that hold it",
            )
        behind = sorted(set(state.lagging) - set(state.leaderless))
        if behind:
            yield problem(
                f"topic {name}",
                f"copies of {these('partition', behind)} are behind or away",
                means="one more broker lost may stop it, or lose records",
                mend="start the brokers that are away; if all run, look at their disks and network",
            )
    most = max((state.copies for state in topics.values()), default=0)
    if most > len(facts.brokers):
        yield problem(
            "Kafka",
            f"topics have {most} copies, {count(len(facts.brokers), 'broker')} are alive",
            means="records have fewer copies than they were meant to",
            mend="start the brokers that are away",
        )


def _newest(facts: KafkaFacts) -> Iterator[Finding]:
    subject = f"topic {facts.prefix}{PRICES}"
    if facts.newest_ms is None:
        if facts.host_ms:
            yield note(
                subject,
                "empty",
                means="no source has sent anything yet",
                mend="start a gateway: forcedflow gateway --help",
            )
        return
    ago = (facts.host_ms - facts.newest_ms) / 1000
    if ago < -SKEW_SECONDS:
        yield problem(
            "Kafka's clock",
            f"its newest record is {span(-ago)} ahead of this host's clock",
            means=_CLOCK_MEANS,
            mend=CLOCK_MEND,
        )
    elif ago > QUIET_SECONDS:
        yield note(
            subject,
            f"the newest price or heartbeat is {span(ago)} old",
            means="no gateway is sending; prices are shown as stale and alerts are held",
            mend="start the gateway, or look at its log: without its upstream it does not beat",
        )
    else:
        yield ok(subject, f"the newest price or heartbeat is {span(max(ago, 0.0))} old")
